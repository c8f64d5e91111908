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
    result =
      typeof replacement === 'string'
        ? result.replace(regex, replacement)
        : replaced(result, regex, replacement);
  }
  return result;
}

const keyBegins = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/u;
const keyEnds = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY/u;

const base64Line = /^\s*[A-Za-z0-9+/]+={0,2}\s*$/u;
const bodyLine = /^\s*(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})$/u;
const PRIVATE_KEY = 'private_key';
const HIDDEN = `[REDACTED:${PRIVATE_KEY}]`;

/** A whole line of a key's body, as mixed as such lines are; a hash in hex is none. */
export function isKeyBody(line: string): boolean {
  return (
    bodyLine.test(line) &&
    /[a-z]/u.test(line) &&
    /[A-Z]/u.test(line) &&
    /\d/u.test(line) &&
    /[G-Zg-z]/u.test(line)
  );
}

/**
 * Texts that follow one another in a file, each of one line or of several, redacted: of a private key's block also the
 * lines between, even where its beginning or its end is out of sight. Without the built-in rule of keys no more than
 * `redact` does.
 */
export function redactLines(rules: readonly CompiledRedaction[], texts: readonly string[]): string[] {
  const hidden = rules.some(({ name }) => name === PRIVATE_KEY) ? withoutKeys(texts) : texts;
  return hidden.map((text) => redact(rules, text));
}

function withoutKeys(texts: readonly string[]): readonly string[] {
  const groups = texts.map((text) => text.split('\n'));
  const lines = groups.flat();
  const isHidden = lines.map(() => false);
  let inKey = false;
  for (const [index, line] of lines.entries()) {
    if (keyEnds.test(line)) {
      inKey = false;
      for (let at = index - 1; at >= 0 && base64Line.test(lines[at] ?? ''); at -= 1) isHidden[at] = true;
    } else if (inKey) isHidden[index] = true;
    else if (keyBegins.test(line)) inKey = true;
    // The last line of a body is shorter.
    else if (index > 0 && base64Line.test(line) && isBodyAt(lines, isHidden, index - 1))
      isHidden[index] = true;
  }
  if (!isHidden.includes(true)) return texts;
  let at = 0;
  return groups.map((group) => {
    const from = at;
    at += group.length;
    return group.map((line, index) => (isHidden[from + index] ? HIDDEN : line)).join('\n');
  });
}

function isBodyAt(lines: readonly string[], isHidden: readonly boolean[], index: number): boolean {
  const line = lines[index] ?? '';
  return isKeyBody(line) || (isHidden[index] === true && bodyLine.test(line));
}

/**
 * As `text.replace(regex, replace)`, whose callback RE2 gives the whole text anew at every match: with many of them in a
 * long line that takes minutes.
 */
function replaced(text: string, regex: RegExp, replace: (groups: Groups) => string | null): string {
  const pieces: string[] = [];
  let end = 0;
  for (let match = regex.exec(text); match; match = regex.exec(text)) {
    const [found] = match;
    // A match of nothing would be found at the same place for ever.
    if (found === '') regex.lastIndex += 1;
    const instead = replace(match);
    if (instead === null) continue;
    pieces.push(text.slice(end, match.index), instead);
    end = match.index + found.length;
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(end);
}
