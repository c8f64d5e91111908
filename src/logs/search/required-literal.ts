/** Finds a text that every match of a regular expression must contain, so that lines without it need not be tried. */

/**
 * Looks at the outermost concatenation only: groups, classes and alternatives give nothing, which is always right,
 * if not always the best.
 *
 * @param source RE2 syntax
 * @returns the longest such text, at least 2 characters; null where none is certain
 */
export function requiredLiteral(source: string): string | null {
  // An inline flag may switch case on or off, or let blanks and comments in.
  if (/\(\?[a-zA-Z-]*[a-zA-Z]/.test(source.replace(/\(\?P?<\w+>/g, '('))) return null;
  const runs: string[] = [];
  let run = '';
  const endRun = (): void => {
    runs.push(run);
    run = '';
  };
  for (let at = 0; at < source.length; ) {
    const token = tokenAt(source, at);
    if (token === null || token.text === '|') return null;
    at = token.end;
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?/.exec(source.slice(at))?.[0] ?? '';
    at += quantifier.length;
    if (token.literal === null) endRun();
    else if (quantifier === '') run += token.literal;
    else {
      // Repeated at least once, it still is there once; what follows may not be next to it.
      const isNeeded = /^(\+|\{[1-9])/.test(quantifier);
      if (isNeeded) run += token.literal;
      endRun();
    }
  }
  endRun();
  const longest = runs.reduce((best, text) => (text.length > best.length ? text : best), '');
  return longest.length >= 2 ? longest : null;
}

interface Token {
  readonly text: string;
  readonly end: number;
  /** The one character that it matches; null for anything else. */
  readonly literal: string | null;
}

function tokenAt(source: string, at: number): Token | null {
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
  const end = at + char.length;
  if (char === '(') return skipping(source, at, groupEnd(source, at));
  if (char === '[') return skipping(source, at, classEnd(source, at));
  if (char === '\\') return escaped(source, at);
  if ('.^$)*+?{}]'.includes(char) && char !== '}' && char !== ']') return { text: char, end, literal: null };
  if (char === '|') return { text: '|', end, literal: null };
  return { text: char, end, literal: char };
}

function skipping(source: string, at: number, end: number | null): Token | null {
  return end === null ? null : { text: source.slice(at, end), end, literal: null };
}

/** `\.` is a character; `\d`, `\b`, `\x41`, `\pL`, `\Q` are something else. */
function escaped(source: string, at: number): Token | null {
  const next = source[at + 1];
  if (next === undefined || next === 'Q' || next === 'E') return null;
  const braces =
    /^\\(?:x\{[0-9a-fA-F]+\}|[pP]\{[^}]*\}|[pP]\w|x[0-9a-fA-F]{2}|u\{?[0-9a-fA-F]+\}?|c\w|[0-7]{1,3})/.exec(
      source.slice(at),
    );
  if (braces) return { text: braces[0], end: at + braces[0].length, literal: null };
  return { text: `\\${next}`, end: at + 2, literal: /[\w\s]/.test(next) || next > '\x7f' ? null : next };
}

function groupEnd(source: string, start: number): number | null {
  let depth = 0;
  for (let at = start; at < source.length; ) {
    const char = source[at];
    if (char === '\\') at += 2;
    else if (char === '[') {
      const end = classEnd(source, at);
      if (end === null) return null;
      at = end;
    } else {
      if (char === '(') depth += 1;
      if (char === ')') depth -= 1;
      at += 1;
      if (depth === 0) return at;
    }
  }
  return null;
}

function classEnd(source: string, start: number): number | null {
  let at = start + 1;
  if (source[at] === '^') at += 1;
  // A closing bracket that comes first is one of the characters.
  if (source[at] === ']') at += 1;
  while (at < source.length) {
    if (source[at] === '\\') at += 2;
    else if (source.startsWith('[:', at)) {
      const end = source.indexOf(':]', at);
      if (end < 0) return null;
      at = end + 2;
    } else if (source[at] === ']') return at + 1;
    else at += 1;
  }
  return null;
}
