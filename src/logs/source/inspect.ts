/** Finding out about log files, many at once, and about what has become of those that are known. */
import { lstat } from 'node:fs/promises';
import { ChsError } from '../../platform/errors.ts';
import { type AccessRules, codeOf, openAllowed } from './access.ts';
import { mapAtOnce } from './concurrent.ts';
import { normaliseEncoding } from './encoding.ts';
import { type ExamineOptions, examine } from './examine.ts';
import { familiesOf } from './family.ts';
import { type Change, compareIdentity, identify } from './identity.ts';
import type { LogFile } from './log-file.ts';
import { type Notice, shortened } from './notice.ts';
import { patiently } from './reading.ts';

export interface InspectOptions extends ExamineOptions {
  readonly rules: AccessRules;
}

const FILES_AT_ONCE = 8;
const STATS_AT_ONCE = 32;
/** The times of a file that was smaller may have been found in too few lines. */
const SMALL_BYTES = 64 * 1024;

/**
 * Finds out what a file is. Errors of the disk are tried again three times.
 *
 * @param path real and absolute, as findFiles gives it
 * @returns no file, and a notice that says why, where it is no text, gone, or cannot be read
 * @throws ChsError INVALID_ENCODING of the encoding that is wanted; the signal's reason
 */
export async function inspectFile(
  path: string,
  options: InspectOptions,
): Promise<{ file: LogFile | null; notices: Notice[] }> {
  const { rules, signal } = options;
  const encoding = options.encoding === undefined ? undefined : normaliseEncoding(options.encoding);
  signal?.throwIfAborted();
  try {
    const handle = await patiently(() => openAllowed(path, rules), signal);
    try {
      return await examine(handle, path, { ...options, encoding });
    } finally {
      await handle.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    return { file: null, notices: [noticeOf(path, error)] };
  }
}

const goneOf = (path: string): Notice => ({ file: path, code: 'GONE', message: 'it is not there any more' });

function noticeOf(path: string, error: unknown): Notice {
  const notice = (code: Notice['code'], message: string) => ({ file: path, code, message });
  const code = codeOf(error instanceof ChsError ? error.cause : error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return goneOf(path);
  const reason = error instanceof ChsError ? String(error.params.reason) : code;
  if (code === 'EACCES' || code === 'EPERM') return notice('UNREADABLE', reason);
  if (error instanceof ChsError && error.code === 'FILE_DENIED') return notice('UNREADABLE', reason);
  if (error instanceof ChsError && code === '') return notice('NOT_A_FILE', reason);
  // What is no error of the system is one of ours: it must not look like a bad disk.
  if (code === '') throw error;
  return notice('IO_ERROR', `it cannot be read: ${reason}`);
}

/**
 * Finds out about many files, and which of them are families.
 *
 * @returns the files that are texts, in the order of their paths
 * @throws as inspectFile
 */
export async function inspectAll(
  found: readonly { readonly path: string; readonly isNamed?: boolean | undefined }[],
  options: InspectOptions,
): Promise<{ files: LogFile[]; notices: Notice[] }> {
  const all = await mapAtOnce(found, FILES_AT_ONCE, ({ path, isNamed }) =>
    inspectFile(path, { ...options, isNamed }),
  );
  return {
    files: withFamilies(all.flatMap(({ file }) => file ?? [])),
    notices: shortened(all.flatMap(({ notices }) => notices)),
  };
}

/** In the order of their paths, each with its place in its family as these files make it. */
export function withFamilies(files: readonly LogFile[]): LogFile[] {
  const places = familiesOf(files);
  return files
    .map((file) => {
      const { familyId = null, sequence = 0 } = places.get(file.path) ?? {};
      return file.familyId === familyId && file.sequence === sequence
        ? file
        : { ...file, familyId, sequence };
    })
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * Looks whether known files have changed: one look at each, and another one at those whose size or time has.
 *
 * What has grown is only longer, unless nothing was known of its times; what was cut or replaced is found out anew.
 *
 * @returns `files`: those that are still there, in the order of their paths; `changed`: those of them that differ from
 *   what was given; `gone`: the paths of the others
 * @throws as inspectFile
 */
export async function refreshFiles(
  files: readonly LogFile[],
  options: InspectOptions,
): Promise<{ files: LogFile[]; gone: string[]; changed: LogFile[]; notices: Notice[] }> {
  const looks = await mapAtOnce(files, STATS_AT_ONCE, (file) => refresh(file, options));
  const gone = files.filter((_, index) => looks[index]?.file === null).map(({ path }) => path);
  const there = withFamilies(looks.flatMap(({ file }) => file ?? []));
  const given = new Set(files);
  return {
    files: there,
    gone,
    changed: there.filter((file) => !given.has(file)),
    notices: shortened(looks.flatMap(({ notices }) => notices)),
  };
}

type Look = { file: LogFile | null; notices: Notice[] };

async function refresh(file: LogFile, options: InspectOptions): Promise<Look> {
  options.signal?.throwIfAborted();
  const { path } = file;
  try {
    const stats = await patiently(() => lstat(path, { bigint: true }), options.signal);
    const sizeBytes = Number(stats.size);
    const mtimeMs = Number(stats.mtimeNs / 1_000_000n);
    const isUntouched =
      sizeBytes === file.sizeBytes &&
      mtimeMs === file.mtimeMs &&
      String(stats.ino) === file.identity.inode &&
      String(stats.dev) === file.identity.device;
    if (isUntouched) return { file, notices: [] };
    if (!stats.isFile()) return { file: null, notices: [goneOf(path)] };
    return await follow(file, await changeOf(file, options), options);
  } catch (error) {
    options.signal?.throwIfAborted();
    return { file: null, notices: [noticeOf(path, error)] };
  }
}

interface Changed {
  readonly change: Change;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

async function changeOf(file: LogFile, { rules, signal }: InspectOptions): Promise<Changed> {
  const handle = await patiently(() => openAllowed(file.path, rules), signal);
  try {
    const stats = await handle.stat({ bigint: true });
    const sizeBytes = Number(stats.size);
    const identity = await identify(handle, stats, file.identity.headBytes);
    const change = compareIdentity(file, { sizeBytes, identity });
    return { change, sizeBytes, mtimeMs: Number(stats.mtimeNs / 1_000_000n) };
  } finally {
    await handle.close();
  }
}

async function follow(file: LogFile, now: Changed, options: InspectOptions): Promise<Look> {
  const { change, sizeBytes, mtimeMs } = now;
  const knowsLittle = file.times.formats.length === 0 || file.sizeBytes < SMALL_BYTES;
  if (change === 'same' || (change === 'grew' && !knowsLittle)) {
    return { file: { ...file, sizeBytes, mtimeMs }, notices: [] };
  }
  const { file: found, notices } = await inspectFile(file.path, { ...options, isNamed: file.isNamed });
  // Its place among the others is looked up again with them all.
  const again = found && { ...found, familyId: file.familyId, sequence: file.sequence };
  if (change === 'grew') return { file: again, notices };
  const notice: Notice =
    change === 'truncated'
      ? { file: file.path, code: 'TRUNCATED', message: 'it was cut, and is read from its beginning again' }
      : { file: file.path, code: 'REPLACED', message: 'another file has taken its name, and is read anew' };
  return { file: again, notices: again ? [notice, ...notices] : notices };
}
