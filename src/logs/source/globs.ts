/** Globs on paths: which files are wanted, and which are denied. */
import { compileGlob } from './glob-matcher.ts';

const isWindows = process.platform === 'win32';

/** The path with `/` between its parts, whatever the system writes. */
export const withSlashes = (path: string) => (isWindows ? path.replaceAll('\\', '/') : path);

/**
 * Compiles globs that say which files are wanted.
 *
 * @param globs each is held against the path below the root and against the name; `!glob` takes files out again
 * @returns whether a file is wanted, given its path below the root with `/`; without globs every one is
 */
export function wantedBy(globs: readonly string[]): (relativePath: string) => boolean {
  const wanted = globs.filter((glob) => !glob.startsWith('!')).map(matcherOf);
  const unwanted = globs.filter((glob) => glob.startsWith('!')).map((glob) => matcherOf(glob.slice(1)));
  return (relativePath) => {
    const name = relativePath.slice(relativePath.lastIndexOf('/') + 1);
    const fits = (matches: (text: string) => boolean) => matches(name) || matches(relativePath);
    return (wanted.length === 0 || wanted.some(fits)) && !unwanted.some(fits);
  };
}

/**
 * Compiles patterns of paths that nobody may read.
 *
 * A pattern without `/` is held against each part of a path, one with `/` against the path and each folder above it;
 * one that does not begin with `/` may begin at any depth.
 */
export function deniedBy(patterns: readonly string[]): (absolutePath: string) => boolean {
  const names: ((text: string) => boolean)[] = [];
  const paths: ((text: string) => boolean)[] = [];
  for (const pattern of patterns) {
    const slashed = withSlashes(pattern);
    if (slashed === '') continue;
    if (!slashed.includes('/')) names.push(matcherOf(slashed));
    else paths.push(matcherOf(isRooted(slashed) || slashed.startsWith('**/') ? slashed : `**/${slashed}`));
  }
  return (absolutePath) => {
    const path = withSlashes(absolutePath);
    if (names.length > 0 && path.split('/').some((part) => part !== '' && names.some((is) => is(part)))) {
      return true;
    }
    if (paths.length === 0) return false;
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end);
      if (paths.some((is) => is(above))) return true;
    }
    return false;
  };
}

const isRooted = (pattern: string) => pattern.startsWith('/') || /^[A-Za-z]:\//.test(pattern);

function matcherOf(glob: string): (text: string) => boolean {
  const slashed = withSlashes(glob);
  return compileGlob(slashed.startsWith('./') ? slashed.slice(2) : slashed, isWindows);
}
