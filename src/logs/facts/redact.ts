/** Takes secrets out of text before it is stored or leaves chs. */
import { type CompilePattern, compileFor } from './extract.ts';
import type { RedactRule } from './rules.ts';

/** A match of a built-in rule: its text, then its groups. */
export type Groups = readonly (string | undefined)[];

/** A rule that decides by more than a regex can say. */
export interface BuiltInRedaction {
  readonly name: string;
  readonly pattern: string;
  /** Without a match of this there is none of `pattern`; a plain alternation, as JavaScript's own engine runs it. */
  readonly hint: RegExp;
  /** What the match becomes; null leaves it as it is, as no secret. */
  readonly replace: (groups: Groups) => string | null;
}

export interface CompiledRedaction {
  readonly name: string;
  readonly regex: RegExp;
  readonly hint?: RegExp;
  readonly replacement: string | ((groups: Groups) => string | null);
}

/** Compiles rules of files. Throws CONFIG_ERROR that names the rule when its pattern is no RE2. */
export function compileRedactRules(
  rules: readonly RedactRule[],
  compile: CompilePattern,
): CompiledRedaction[] {
  return rules.map((rule) => ({
    name: rule.name,
    regex: compileFor(rule, compile),
    replacement: rule.replacement,
  }));
}

export function compileBuiltInRedactions(
  rules: readonly BuiltInRedaction[],
  compile: CompilePattern,
): CompiledRedaction[] {
  return rules.map(({ name, pattern, hint, replace }) => ({
    ...{ name, regex: compile(pattern, 'gu'), hint, replacement: replace },
  }));
}

/** `text` with every rule applied, in their order. */
export function redact(rules: readonly CompiledRedaction[], text: string): string {
  let result = text;
  for (const { regex, hint, replacement } of rules) {
    // Most lines hold no secret: the call into RE2 costs twenty times this look.
    if (hint && !hint.test(result)) continue;
    regex.lastIndex = 0;
    if (typeof replacement === 'string') result = result.replace(regex, replacement);
    else result = result.replace(regex, (...found: unknown[]) => replaced(replacement, found));
  }
  return result;
}

const keyBegins = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/u;
const keyEnds = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY/u;

/** Lines that follow one another in a file, redacted: of a private key's block also the lines between. */
export function redactLines(rules: readonly CompiledRedaction[], lines: readonly string[]): string[] {
  let inKey = false;
  return lines.map((line) => {
    const ends = keyEnds.test(line);
    const redacted = inKey && !ends ? '[REDACTED:private_key]' : redact(rules, line);
    if (ends) inKey = false;
    else if (keyBegins.test(line)) inKey = true;
    return redacted;
  });
}

function replaced(replace: (groups: Groups) => string | null, found: readonly unknown[]): string {
  const groups: (string | undefined)[] = [];
  // The groups end where the match's offset stands.
  for (const one of found) {
    if (typeof one === 'number') break;
    groups.push(typeof one === 'string' ? one : undefined);
  }
  return replace(groups) ?? groups[0] ?? '';
}
