/** The rules of both folders, loaded when they are first needed, and again when something in a folder has changed. */
import { readdir, stat } from 'node:fs/promises';
import type { CompiledRule } from './extract.ts';
import { type Loaded, loadFactRules, loadRedactRules } from './load.ts';
import { type CompiledRedaction, redact, redactLines } from './redact.ts';

/** Takes secrets out of what is given or kept. */
export interface Redaction {
  text(text: string): string;
  /** Of texts that follow one another in a file: what is a secret only with its neighbours, too. */
  lines(texts: readonly string[]): string[];
}

export interface RuleFolders {
  /** @throws ChsError CONFIG_ERROR for a file that cannot be read */
  facts(): Promise<readonly CompiledRule[]>;
  /**
   * Without all of its rules nothing is shown.
   *
   * @throws ChsError CONFIG_ERROR
   */
  redaction(): Promise<Redaction>;
}

export interface RuleFolderSettings {
  readonly factsFolder: string;
  readonly redactFolder: string;
  /** Hide what the built-in rules find, too. */
  readonly redact: boolean;
}

/** A folder is looked at again after so long. */
const FRESH_MS = 2_000;

export function createRuleFolders(settings: RuleFolderSettings, now: () => number): RuleFolders {
  const facts = kept(
    () => settings.factsFolder,
    () => loadFactRules(settings.factsFolder),
    now,
  );
  const redactions = kept(
    () => `${settings.redactFolder} ${settings.redact}`,
    () => loadRedactRules(settings.redactFolder, { withBuiltIn: settings.redact }),
    now,
    () => settings.redactFolder,
  );
  return {
    facts,
    async redaction() {
      const rules: readonly CompiledRedaction[] = await redactions();
      return {
        text: (text) => redact(rules, text),
        lines: (texts) => redactLines(rules, texts),
      };
    },
  };
}

/** @param key what the rules depend on besides the folder */
function kept<Rule>(
  key: () => string,
  load: () => Promise<Loaded<Rule>>,
  now: () => number,
  folder = key,
): () => Promise<readonly Rule[]> {
  let last: {
    readonly key: string;
    readonly changed: number;
    readonly rules: Promise<readonly Rule[]>;
  } | null = null;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const isFresh = last?.key === key() && Math.abs(now() - lookedMs) < FRESH_MS;
    if (last && isFresh) return last.rules;
    const changed = await stateOf(folder());
    lookedMs = now();
    if (last?.key === key() && last.changed === changed) return last.rules;
    const rules = load().then(({ rules: loaded, problems }) => {
      const [problem] = problems;
      if (problem) throw problem;
      return loaded;
    });
    last = { key: key(), changed, rules };
    // What is wrong now may be right at the next look.
    rules.catch(() => {
      last = null;
    });
    return rules;
  };
}

/** Another number when the folder or a file in it has changed: the sum of their times and sizes; 0 where there is none. */
async function stateOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const times = await Promise.all(
    [folder, ...names.slice(0, 200).map((name) => `${folder}/${name}`)].map((path) =>
      stat(path).then(
        ({ mtimeMs, size }) => mtimeMs + size,
        () => 0,
      ),
    ),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}
