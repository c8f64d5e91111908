/** The paths of a command line: patterns that the shell left, and those that cannot be looked into among others. */
import { statSync } from 'node:fs';
import { posix, resolve, win32 } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { describeFailure, usageError } from '../failure.ts';
import type { Run } from '../run.ts';
import { isPattern, matching } from '../upload/glob.ts';
import type { LogClient, OpenOptions } from './target.ts';

/** What open_directory takes. */
const PATHS_MAX = 10_000;

type Opened = Awaited<ReturnType<LogClient['openDirectory']>>;

/**
 * The paths with patterns replaced by what matches them, as cmd.exe leaves that to programs. A server's files are for
 * itself to name.
 *
 * @throws ChsError USAGE where there are too many; LOCAL_FILE
 */
export async function expanded(run: Run, paths: readonly string[]): Promise<string[]> {
  const { config } = await run.config();
  if ((run.options.server ?? config.client.server) !== undefined) return [...paths];
  const found: string[] = [];
  for (const path of paths) {
    const before = found.length;
    if (isPattern(path) && statSync(path, { throwIfNoEntry: false }) === undefined)
      for await (const match of matching(path, { signal: run.signal, unreadable: () => {} })) {
        found.push(match.path);
        if (found.length > PATHS_MAX)
          throw usageError(`${path}: it matches more than ${PATHS_MAX} paths`, 'Name a directory.');
      }
    // What matches nothing is named as it is by whoever finds no such file.
    if (found.length === before) found.push(path);
  }
  return found;
}

/**
 * Opens what can be opened, and says on stderr what cannot.
 *
 * @throws ChsError what open_directory gives, where nothing can be opened
 */
export async function openPaths(
  run: Run,
  client: LogClient,
  named: readonly string[],
  options: OpenOptions,
): Promise<{ opened: Opened; isPartial: boolean }> {
  const { signal, cwd } = run;
  const open = (paths: readonly string[]): Promise<Opened> =>
    client.openDirectory(
      { paths: paths.map((path) => absolute(path, cwd)), list_files: false, ...options },
      { signal },
    );
  try {
    return { opened: await open(named), isPartial: false };
  } catch (error) {
    if (!isOfPath(error) || named.length === 1) throw error;
    const good: string[] = [];
    for (const path of named) {
      try {
        // The session that is made for it stays until nobody has used it for long: others may use it by now.
        await open([path]);
        good.push(path);
      } catch (failure) {
        if (!isOfPath(failure)) throw failure;
        if (failure !== error) run.out.warn(describeFailure(failure, run.language).message);
      }
    }
    if (good.length === 0) throw error;
    return { opened: await open(good), isPartial: true };
  }
}

/** Looks for new files in what was named before. */
export async function openAgain(
  run: Run,
  client: LogClient,
  named: readonly string[],
  options: OpenOptions,
): Promise<void> {
  const paths = named.map((path) => absolute(path, run.cwd));
  try {
    await client.openDirectory({ paths, list_files: false, ...options }, { signal: run.signal });
  } catch (error) {
    // It is between its end and its beginning, and looked for again.
    if (!isOfPath(error)) throw error;
  }
}

/** What is absolute where the daemon runs stays as it is, also on a machine that writes paths in another way. */
export function absolute(path: string, cwd: string): string {
  return posix.isAbsolute(path) || win32.isAbsolute(path) ? path : resolve(cwd, path);
}

function isOfPath(error: unknown): boolean {
  return error instanceof ChsError && (error.code === 'IO_ERROR' || error.code === 'FILE_DENIED');
}
