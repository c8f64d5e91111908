/** The files of a session as they are now: read from the store, looked at again, and what has changed written back. */
import { ChsError } from '../platform/errors.ts';
import { type AccessRules, isDeniedPath, resolveAllowed } from './source/access.ts';
import { mapAtOnce } from './source/concurrent.ts';
import { fileFromRow, fileToRow } from './source/file-row.ts';
import { inspectAll, refreshFiles, withFamilies } from './source/inspect.ts';
import type { LogFile } from './source/log-file.ts';
import type { Notice } from './source/notice.ts';
import type { LogStore, SessionFileRow } from './store.ts';

const CHECKS_AT_ONCE = 32;

/** A file with what the store says of it. */
export interface KnownFile {
  readonly file: LogFile;
  readonly encodingGiven: boolean;
}

export interface LookOptions {
  readonly rules: AccessRules;
  /** IANA name, for times that name no zone. */
  readonly zone: string;
  readonly signal: AbortSignal;
}

/** The rows, and of those that another chs wrote in another shape the paths. */
export function knownFiles(rows: readonly SessionFileRow[]): {
  known: KnownFile[];
  unreadable: SessionFileRow[];
} {
  const known: KnownFile[] = [];
  const unreadable: SessionFileRow[] = [];
  for (const row of rows) {
    const file = fileFromRow(row);
    if (file) known.push({ file, encodingGiven: row.encodingGiven === true });
    else unreadable.push(row);
  }
  return { known, unreadable };
}

/**
 * Takes out the files that may not be read: rules may have become stricter since they were added, or be those of
 * somebody else.
 *
 * @throws ChsError FILE_DENIED where there are files and none may be read
 */
export async function permitted(
  rows: readonly SessionFileRow[],
  rules: AccessRules,
): Promise<{ rows: readonly SessionFileRow[]; notices: Notice[] }> {
  if (rules.allowRoots === null && rules.denyPatterns.length === 0) return { rows, notices: [] };
  if (rules.allowRoots === null) return withoutDenied(rows, rules);
  const denials = await mapAtOnce(rows, CHECKS_AT_ONCE, ({ path }) => denialOf(path, rules));
  const left = rows.filter((_, index) => denials[index] === null);
  const first = denials.find((denial) => denial !== null);
  if (!first) return { rows, notices: [] };
  if (left.length === 0) throw first;
  return { rows: left, notices: [leftOut(rows.length - left.length)] };
}

function leftOut(count: number): Notice {
  const message = `${count} files of the session may not be read by this caller, and are left out`;
  return { file: null, code: 'UNREADABLE', message };
}

/** Where everything may be read but what is denied, the paths alone tell that, without a look at ten thousand files. */
async function withoutDenied(
  rows: readonly SessionFileRow[],
  rules: AccessRules,
): Promise<{ rows: readonly SessionFileRow[]; notices: Notice[] }> {
  const left: SessionFileRow[] = [];
  for (const row of rows) if (!(await isDeniedPath(row.path, rules))) left.push(row);
  const [first] = rows;
  if (first && left.length === 0)
    throw new ChsError('FILE_DENIED', { path: first.path, reason: 'a pattern denies it' });
  return { rows: left, notices: left.length < rows.length ? [leftOut(rows.length - left.length)] : [] };
}

async function denialOf(path: string, rules: AccessRules): Promise<ChsError | null> {
  try {
    await resolveAllowed(path, rules);
    return null;
  } catch (error) {
    if (!(error instanceof ChsError)) throw error;
    // What is gone or unreadable is for whoever looks at the file next.
    return error.code === 'FILE_DENIED' ? error : null;
  }
}

export interface Looked {
  /** In the order of their paths, families found among them all. */
  readonly files: readonly KnownFile[];
  readonly notices: readonly Notice[];
}

/**
 * Looks at known files again. Those that are missing or unreadable now are left out with a notice: on a network's disk
 * that may pass, so nobody forgets them for it.
 *
 * One whose encoding was given keeps it, whatever it looks like now.
 */
export async function lookAgain(known: readonly KnownFile[], options: LookOptions): Promise<Looked> {
  const groups = new Map<string | undefined, LogFile[]>();
  for (const { file, encodingGiven } of known) {
    const encoding = encodingGiven ? file.encoding : undefined;
    const group = groups.get(encoding) ?? [];
    group.push(file);
    groups.set(encoding, group);
  }
  const files: KnownFile[] = [];
  const notices: Notice[] = [];
  for (const [encoding, group] of groups) {
    const looked = await refreshFiles(group, { ...options, encoding });
    for (const file of looked.files) files.push({ file, encodingGiven: encoding !== undefined });
    notices.push(...looked.notices);
  }
  // Of one group the families are known already.
  return { files: groups.size > 1 ? related(files) : files, notices };
}

/** Finds out about files that are new. */
export async function lookAtNew(
  paths: readonly { readonly path: string; readonly isNamed?: boolean | undefined }[],
  encoding: string | undefined,
  options: LookOptions,
): Promise<Looked> {
  const { files, notices } = await inspectAll(paths, { ...options, encoding });
  const encodingGiven = encoding !== undefined;
  return { files: files.map((file) => ({ file, encodingGiven })), notices };
}

/** All files of a session, with their families as they are together. */
export function related(files: readonly KnownFile[]): KnownFile[] {
  const given = new Map(files.map(({ file, encodingGiven }) => [file.path, encodingGiven]));
  return withFamilies(files.map(({ file }) => file)).map((file) => ({
    file,
    encodingGiven: given.get(file.path) === true,
  }));
}

/**
 * Writes what differs from the rows that were read, and removes the rows of `gone`. False when the session would become larger than
 * `bytesMax`.
 */
export async function writeBack(
  store: LogStore,
  sessionId: string,
  rows: readonly SessionFileRow[],
  { files, gone }: { readonly files: readonly KnownFile[]; readonly gone: readonly string[] },
  bytesMax?: number,
): Promise<boolean> {
  const details = new Map(rows.map((row) => [row.path, row.details]));
  const changed = files.flatMap(({ file, encodingGiven }): SessionFileRow[] => {
    const row = fileToRow(file);
    return row.details === details.get(row.path) ? [] : [{ ...row, encodingGiven }];
  });
  if (changed.length === 0 && gone.length === 0) return true;
  return store.putFiles(sessionId, changed, { gone, ...(bytesMax === undefined ? {} : { bytesMax }) });
}
