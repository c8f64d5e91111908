/** Where a command looks: paths, standard input or a session, and how their files are named to a person. */
import { fstatSync, realpathSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import type { Client } from '../../src/connect.ts';
import type { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import type { Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { Run } from '../run.ts';
import { absolute, expanded, openAgain, openPaths } from './paths.ts';
import { textOf, zoneOf } from './query-options.ts';
import { said } from './said.ts';

export type LogClient = Client<typeof logOperations>;

export interface Target {
  readonly sessionId: string;
  /** Whether what is found belongs to a session that somebody started. */
  readonly isOwn: boolean;
  /** Whether it is one file, so that its name says nothing. */
  readonly isOneFile: boolean;
  /** How many files there are; null where nobody counted. */
  readonly fileCount: number | null;
  /** Whether a path that was named could not be looked into; it was said. */
  readonly isPartial: boolean;
  /** Looks for files that are new in what was named; what is gone for now may come back. */
  lookAgain(): Promise<void>;
  /** A file as the person named it, free of control characters. */
  shown(file: string): string;
  /** Removes what was made only for this run. */
  close(): Promise<void>;
}

/** What standard input is called, as grep calls it. */
const STDIN_NAME = '(standard input)';

/**
 * @param paths as on the command line; none: the working directory, or standard input where a pipe or a file is there
 * @throws ChsError USAGE, LOCAL_FILE, and what open_directory gives
 */
export async function openTarget(
  run: Run,
  client: LogClient,
  invocation: Invocation,
  paths: readonly string[],
): Promise<Target> {
  const session = textOf(invocation, 'session');
  if (session !== undefined) {
    if (paths.length > 0) throw usageError('--session names the files already; leave the paths out');
    return sessionTarget(session);
  }
  if (paths.includes('-') && paths.length > 1)
    throw usageError('standard input (-) cannot be searched together with files');
  if (paths[0] === '-' || (paths.length === 0 && isPiped())) {
    const { openStandardInput } = await import('./stdin.ts');
    const spooled = await openStandardInput(run, client, optionsFor(invocation), paths[0] === '-');
    return {
      ...spooled,
      isOwn: false,
      isOneFile: true,
      fileCount: 1,
      isPartial: false,
      lookAgain: async () => {},
      shown: () => STDIN_NAME,
    };
  }
  const named = paths.length === 0 ? ['.'] : await expanded(run, paths);
  const options = optionsFor(invocation);
  const { opened, isPartial } = await openPaths(run, client, named, options);
  for (const { file, message } of opened.notices)
    run.out.warn(said(run, printable(file === null ? message : `${file}: ${message}`, 1000)));
  return {
    isPartial,
    lookAgain: () => openAgain(run, client, named, options),
    sessionId: opened.session_id,
    isOwn: false,
    isOneFile: named.length === 1 && isFile(named[0] ?? ''),
    fileCount: opened.file_count,
    shown: shownAs(
      paths.length === 0 ? [['', run.cwd]] : named.map((path) => [path, absolute(path, run.cwd)]),
    ),
    close: async () => {},
  };
}

/** The files of a session that somebody started. */
export function sessionTarget(sessionId: string): Target {
  const shown = shownAs([]);
  const nothing = async (): Promise<void> => {};
  return {
    sessionId,
    isOwn: true,
    isOneFile: false,
    fileCount: null,
    isPartial: false,
    lookAgain: nothing,
    shown,
    close: nothing,
  };
}

/** What open_directory is told besides the paths. */
export type OpenOptions = ReturnType<typeof optionsFor>;

function optionsFor(invocation: Invocation) {
  const encoding = textOf(invocation, 'encoding');
  const timezone = zoneOf(invocation);
  return {
    ...(encoding === undefined ? {} : { encoding }),
    ...(timezone === undefined ? {} : { timezone }),
  };
}

/**
 * Whether a shell gave something to read: a pipe, or a file that is not empty. A socket is what programs leave there
 * that start others, and a terminal or /dev/null is nobody's log.
 */
function isPiped(): boolean {
  try {
    const found = fstatSync(0);
    return found.isFIFO() || (found.isFile() && found.size > 0);
  } catch {
    return false;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Files come back absolute, with links resolved; a person knows them by the path that was given. */
export function shownAs(given: readonly (readonly [name: string, path: string])[]): (file: string) => string {
  const roots = given.flatMap(([name, path]) => {
    const real = realPath(path);
    return (real === path ? [path] : [real, path]).map((root) => ({ name, root }));
  });
  const cache = new Map<string, string>();
  const name = (file: string): string => {
    for (const { name: prefix, root } of roots) {
      if (file === root) return prefix;
      const below = root.endsWith(sep) ? root : `${root}${separatorOf(root)}`;
      if (file.startsWith(below)) return join(prefix, file.slice(below.length), separatorOf(root));
    }
    return file;
  };
  return (file) => {
    let known = cache.get(file);
    if (known === undefined) {
      known = printable(name(file), Number.POSITIVE_INFINITY);
      cache.set(file, known);
    }
    return known;
  };
}

function join(prefix: string, rest: string, separator: string): string {
  if (prefix === '') return rest;
  return /[/\\]$/.test(prefix) ? `${prefix}${rest}` : `${prefix}${separator}${rest}`;
}

/** A path of another machine may be written in another way than here. */
function separatorOf(path: string): string {
  return path.startsWith('/') ? '/' : path.includes('\\') ? '\\' : sep;
}

function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
