/** Patterns for names of files, for shells that hand them on as they are (cmd.exe, lines in CI configurations). */
import { type Found, type WalkOptions, walk } from './walk.ts';

const MAGIC = /[*?{}[\]]/;
const isWindows = process.platform === 'win32';

/** Whether a name could be a pattern; that no file has it literally is for the caller to see. */
export function isPattern(argument: string): boolean {
  return MAGIC.test(argument);
}

/** A pattern, its parts told apart. */
interface Pattern {
  /** The folder that every match is below: what comes before the first part with a wildcard. */
  readonly base: string;
  /** The rest, with `/` on any system. */
  readonly rest: string;
}

/**
 * What matches a pattern of `*`, `**` (any number of folders), `?`, `[ab]` and `{a,b}`, in order. Names that begin
 * with a dot are matched only by a part of the pattern that does, as shells have it.
 *
 * @throws ChsError LOCAL_FILE when the folder that the pattern begins with cannot be read
 */
export async function* matching(pattern: string, options: WalkOptions): AsyncGenerator<Found> {
  const { base, rest } = partsOf(pattern);
  const { default: picomatch } = await import('picomatch');
  const matches = picomatch(rest, { nocase: isWindows, nonegate: true, noextglob: true });
  const deep = rest.includes('**');
  // Without `**`, nothing deeper than the pattern itself can match; braces may hold separators.
  const depthMax = deep ? undefined : rest.split('/').length - 1;
  const bounded = depthMax === undefined ? options : { ...options, depthMax };
  for await (const found of walk(base, { ...bounded, folders: !deep }))
    if (matches(found.relative)) yield found;
}

/** Whether the last part of a pattern says nothing of what files are meant: `out/**`, `out/*`. */
export function takesAnything(pattern: string): boolean {
  return /^\*+$/.test(partsOf(pattern).rest.split('/').at(-1) ?? '');
}

/** A test for paths below a folder: by any of the patterns, each against the whole path or the name alone. */
export async function ignoring(patterns: readonly string[]): Promise<(relative: string) => boolean> {
  // A variable that a CI does not set leaves an empty one.
  const given = patterns.filter((pattern) => pattern.trim() !== '');
  if (given.length === 0) return () => false;
  const { default: picomatch } = await import('picomatch');
  const tests = given.map((pattern) =>
    picomatch(normal(pattern), { nocase: isWindows, dot: true, nonegate: true, noextglob: true }),
  );
  return (relative) =>
    tests.some((matches) => matches(relative) || matches(relative.slice(relative.lastIndexOf('/') + 1)));
}

function partsOf(pattern: string): Pattern {
  const parts = normal(pattern).split('/');
  const first = parts.findIndex((part) => MAGIC.test(part));
  const base = parts.slice(0, first).join('/');
  return {
    base: first === 1 && base === '' ? '/' : base === '' ? '.' : /^[a-zA-Z]:$/.test(base) ? `${base}/` : base,
    rest: parts.slice(first).join('/'),
  };
}

/** Windows separates by either slash, and has no use for a backslash before a wildcard. */
function normal(pattern: string): string {
  const text = isWindows ? pattern.replaceAll('\\', '/') : pattern;
  return text.replace(/^(\.\/+)+/, '');
}
