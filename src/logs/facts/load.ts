/** Loads the rules of facts.d and redact.d, beside those that are built in. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import { builtInFactRules } from './built-in-facts.ts';
import { builtInRedactions } from './built-in-redactions.ts';
import { type CompiledRule, type CompilePattern, compileFactRules } from './extract.ts';
import { type CompiledRedaction, compileBuiltInRedactions, compileRedactRules } from './redact.ts';
import { parseFactRules, parseRedactRules, ruleLimits, wrong } from './rules.ts';

export const folderLimits = { filesMax: 100, fileBytesMax: 1024 * 1024 } as const;

/** The rules that could be read, and a CONFIG_ERROR for each file that could not. */
export interface Loaded<Rule> {
  readonly rules: readonly Rule[];
  readonly problems: readonly ChsError[];
}

/** RE2 in place of JavaScript's regular expressions: linear time whatever the pattern. */
export async function loadRe2(): Promise<CompilePattern> {
  const { default: RE2 } = await import('re2');
  return (pattern, flags) => new RE2(pattern, flags);
}

/**
 * The fact rules of `folder` (*.toml, by name), then the built-in ones whose name no rule of a file has. `folder` null
 * or missing: the built-in ones alone. A broken file is a problem and its rules are left out.
 */
export async function loadFactRules(folder: string | null): Promise<Loaded<CompiledRule>> {
  const compile = await loadRe2();
  const { rules, problems } = await loadFolder(folder, (value, source) =>
    compileFactRules(parseFactRules(value, source), compile),
  );
  const named = new Set(rules.map(({ rule }) => rule.name));
  const builtIn = builtInFactRules.filter(({ name }) => !named.has(name));
  return { rules: [...rules, ...compileFactRules(builtIn, compile)], problems };
}

/**
 * The redaction rules of `folder`, as loadFactRules; those of files are applied first.
 *
 * @param options.withBuiltIn false leaves the built-in ones out
 */
export async function loadRedactRules(
  folder: string | null,
  { withBuiltIn = true } = {},
): Promise<Loaded<CompiledRedaction>> {
  const compile = await loadRe2();
  const { rules, problems } = await loadFolder(folder, (value, source) =>
    compileRedactRules(parseRedactRules(value, source), compile),
  );
  if (!withBuiltIn) return { rules, problems };
  const named = new Set(rules.map(({ name }) => name));
  const builtIn = builtInRedactions.filter(({ name }) => !named.has(name));
  return { rules: [...rules, ...compileBuiltInRedactions(builtIn, compile)], problems };
}

async function loadFolder<Rule>(
  folder: string | null,
  read: (value: unknown, source: string) => Rule[],
): Promise<Loaded<Rule>> {
  const rules: Rule[] = [];
  const problems: ChsError[] = [];
  for (const file of folder === null ? [] : await filesOf(folder)) {
    try {
      const found = read(await parseFile(file), file);
      if (rules.length + found.length > ruleLimits.rulesMax)
        throw wrong(file, `there are more than ${ruleLimits.rulesMax} rules with it`);
      rules.push(...found);
    } catch (error) {
      if (!(error instanceof ChsError)) throw error;
      problems.push(error);
    }
  }
  return { rules, problems };
}

/** The *.toml of a folder in the order of their names, whatever the file system's; none where there is no folder. */
async function filesOf(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw wrong(folder, `it cannot be read: ${codeOf(error)}`, error);
  }
  const files = names.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).sort();
  if (files.length > folderLimits.filesMax)
    throw wrong(folder, `it has more than ${folderLimits.filesMax} files`);
  return files.map((name) => join(folder, name));
}

async function parseFile(file: string): Promise<unknown> {
  const { parse, TomlError } = await import('smol-toml');
  const text = await textOf(file);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest quotes the file.
    const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
    throw wrong(`${file}:${error.line}:${error.column}`, `this is not TOML: ${reason}`, error);
  }
}

/** Reads at most the limit, whatever size a file says that it has. */
async function textOf(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const bytes = Buffer.alloc(folderLimits.fileBytesMax + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        ({ bytesRead: read } = await handle.read(bytes, length, bytes.length - length, length));
      if (length === bytes.length) throw wrong(file, `it is larger than ${folderLimits.fileBytesMax} bytes`);
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof ChsError) throw error;
    if (error instanceof TypeError && codeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw wrong(file, 'it is not UTF-8', error);
    throw wrong(file, `it cannot be read: ${codeOf(error)}`, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
