/** Matching one glob in time that grows no faster than glob times path, whatever both are: they come from outside. */
import { ChsError } from '../../platform/errors.ts';

/** What `{a,b}{c,d}` may stand for. */
const ALTERNATIVES_MAX = 1024;

const STAR = Symbol('any number of them');
/** One item, or any number of any items. */
type Token<Item> = typeof STAR | ((item: Item) => boolean);
type Matches = (path: string) => boolean;

/**
 * Compiles a glob: `*` and `?` within a name, `**` for any folders, `[a-z]` and `[!a-z]`, `{one,other}`; a backslash
 * takes what follows as it is (except on Windows, where it is a `/`). Names that begin with a dot are like others.
 *
 * @throws ChsError INVALID_INPUT where braces stand for more than 1,024 globs
 */
export function compileGlob(glob: string, ignoresCase: boolean): Matches {
  const patterns = alternatives(ignoresCase ? glob.toLowerCase() : glob).map(parsePath);
  return (path) => {
    const names = (ignoresCase ? path.toLowerCase() : path).split('/').map((name) => Array.from(name));
    return patterns.some((pattern) => matchAll(pattern, names));
  };
}

/**
 * Whether the tokens match all items. After a star, what follows is tried ever later, and only that of the last star:
 * each token takes one item, so an earlier star could do no better.
 */
function matchAll<Item>(tokens: readonly Token<Item>[], items: readonly Item[]): boolean {
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < items.length) {
    const test = tokens[token];
    const item = items[at];
    if (test === STAR) {
      star = token;
      starAt = at;
      token += 1;
    } else if (test !== undefined && item !== undefined && test(item)) {
      token += 1;
      at += 1;
    } else if (star === -1) return false;
    else {
      starAt += 1;
      at = starAt;
      token = star + 1;
    }
  }
  while (tokens[token] === STAR) token += 1;
  return token === tokens.length;
}

function parsePath(glob: string): Token<readonly string[]>[] {
  return glob.split('/').map((name) => {
    if (name === '**') return STAR;
    const tokens = parseName(name);
    return (characters) => matchAll(tokens, characters);
  });
}

function parseName(name: string): Token<string>[] {
  const characters = Array.from(name);
  const tokens: Token<string>[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at];
    if (character === '*') {
      if (tokens.at(-1) !== STAR) tokens.push(STAR);
    } else if (character === '?') tokens.push(() => true);
    else if (character === '[') {
      const end = classEnd(characters, at);
      tokens.push(end === -1 ? (item) => item === '[' : classOf(characters.slice(at + 1, end)));
      if (end !== -1) at = end;
    } else {
      if (character === '\\' && at + 1 < characters.length) at += 1;
      const literal = characters[at];
      tokens.push((item) => item === literal);
    }
  }
  return tokens;
}

/** Where the class ends that begins here; a `]` at its beginning is one of its characters. */
function classEnd(characters: readonly string[], from: number): number {
  const isNegated = characters[from + 1] === '!' || characters[from + 1] === '^';
  return characters.indexOf(']', from + (isNegated ? 3 : 2));
}

function classOf(inside: readonly string[]): (item: string) => boolean {
  const isNegated = inside[0] === '!' || inside[0] === '^';
  const ranges: (readonly [from: string, to: string])[] = [];
  for (let at = isNegated ? 1 : 0; at < inside.length; at += 1) {
    const from = inside[at] ?? '';
    const to = inside[at + 1] === '-' ? inside[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (item) => ranges.some(([from, to]) => item >= from && item <= to) !== isNegated;
}

/** The globs without braces that one with braces stands for. */
function alternatives(glob: string): string[] {
  const done: string[] = [];
  const waiting = [glob];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const braces = firstBraces(next);
    if (braces === null) done.push(next);
    else {
      const { start, end, parts } = braces;
      const [before, after] = [next.slice(0, start), next.slice(end)];
      waiting.push(...parts.map((part) => before + part + after));
    }
    if (done.length + waiting.length > ALTERNATIVES_MAX) {
      throw new ChsError('INVALID_INPUT', { field: 'globs', reason: 'its braces stand for too many globs' });
    }
  }
  return done;
}

/** The first braces that are closed and have a comma, with what is between the commas. */
function firstBraces(glob: string): { start: number; end: number; parts: string[] } | null {
  for (let start = glob.indexOf('{'); start !== -1; start = glob.indexOf('{', start + 1)) {
    if (glob[start - 1] === '\\') continue;
    const parts: string[] = [];
    let from = start + 1;
    let depth = 1;
    for (let at = start + 1; at < glob.length && depth > 0; at += 1) {
      const character = glob[at];
      if (character === '\\') at += 1;
      else if (character === '{') depth += 1;
      else if (character === '}') depth -= 1;
      if (depth === 0 || (depth === 1 && character === ',')) {
        parts.push(glob.slice(from, at));
        from = at + 1;
      }
    }
    if (depth === 0 && parts.length > 1) return { start, end: from, parts };
  }
  return null;
}
