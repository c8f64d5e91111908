/** Adding directories to a session, and the sessions that are kept for directories by themselves. */
import { createHash } from 'node:crypto';
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { logOperations } from './operations.ts';
import {
  type KnownFile,
  knownFiles,
  type Looked,
  type LookOptions,
  lookAgain,
  lookAtNew,
  related,
  writeBack,
} from './session-files.ts';
import {
  isExpired,
  lookOptions,
  newSession,
  type SessionsContext,
  sessionTooLarge,
  usedSession,
} from './session-lookup.ts';
import { shownFile } from './session-replies.ts';
import { type AccessRules, resolveAllowed } from './source/access.ts';
import { normaliseEncoding } from './source/encoding.ts';
import type { LogFile } from './source/log-file.ts';
import { type FoundFile, findFiles } from './source/walk.ts';
import type { SessionFileRow, SessionRow } from './store.ts';

const FILES_MAX = 100_000;
/** A longer key is replaced by its hash: it is in an index. */
const DIRECTORY_KEY_CHARS_MAX = 2000;

type DirectoryHandlers = Pick<Handlers<typeof logOperations>, 'addDirectory' | 'openDirectory'>;

type AddInput = Parameters<DirectoryHandlers['addDirectory']>[0];

export async function addDirectory(
  context: SessionsContext,
  { session_id, path, globs, encoding: given }: AddInput,
  call: Call,
): ReturnType<DirectoryHandlers['addDirectory']> {
  const { store, limits } = context;
  const encoding = given === undefined ? undefined : normaliseEncoding(given);
  const session = await usedSession(context, session_id, call);
  const options = lookOptions(context, session, call);
  const { files: found, notices } = await foundFiles([path], globs, options);
  const rows = await store.files(session_id);
  const paths = new Set(found.map((file) => file.path));
  const others = rows.filter((row) => !paths.has(row.path));
  refuseTooMany(others.length + found.length);
  const looked = await lookAtNew(found, encoding, options);
  const files = related([...knownFiles(others).known, ...looked.files]);
  const isKept = await writeBack(store, session_id, rows, { files, gone: [] }, limits.maxSessionBytes);
  if (!isKept) throw sessionTooLarge(limits.maxSessionBytes);
  const added = files.filter(({ file }) => paths.has(file.path));
  return { files: added.map(({ file }) => shownFile(file)), notices: [...notices, ...looked.notices] };
}

type OpenInput = Parameters<DirectoryHandlers['openDirectory']>[0];

export async function openDirectory(
  context: SessionsContext,
  input: OpenInput,
  call: Call,
): ReturnType<DirectoryHandlers['openDirectory']> {
  try {
    return await openOnce(context, input, call);
  } catch (error) {
    // Somebody closed it while its files were looked at: it is made anew.
    if (error instanceof ChsError && error.code === 'SESSION_NOT_FOUND')
      return openOnce(context, input, call);
    throw error;
  }
}

async function openOnce(
  context: SessionsContext,
  input: OpenInput,
  call: Call,
): ReturnType<DirectoryHandlers['openDirectory']> {
  const { store, access, limits } = context;
  const encoding = input.encoding === undefined ? undefined : normaliseEncoding(input.encoding);
  const fresh = newSession(context, call.principal, { timezone: input.timezone });
  const rules = access(call.principal);
  const paths = await resolvedPaths(input.paths, rules);
  const directory = directoryKey({ paths, globs: input.globs, encoding, session: fresh });
  const { row: session, created } = await directorySession(context, { ...fresh, directory });
  const options = lookOptions(context, session, call);
  const { files: found, notices } = await foundFiles(paths, input.globs, options);
  const rows = await store.files(session.id);
  const now = await asFound(rows, found, encoding, options);
  const isKept = await writeBack(store, session.id, rows, now, limits.maxSessionBytes);
  if (!isKept) throw sessionTooLarge(limits.maxSessionBytes);
  if (!created) await store.touch(session.id, context.now());
  const files = now.files.map(({ file }) => file);
  return {
    session_id: session.id,
    created,
    file_count: files.length,
    size: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files: input.list_files ? files.map(shownFile) : [],
    notices: [...notices, ...now.notices],
  };
}

/** Each once, in the order of their code units: the same whatever the order in which they are named. */
async function resolvedPaths(paths: readonly string[], rules: AccessRules): Promise<string[]> {
  const resolved: string[] = [];
  for (const path of paths) resolved.push(await resolveAllowed(path, rules));
  return [...new Set(resolved)].sort();
}

interface DirectoryParts {
  readonly paths: readonly string[];
  readonly globs: readonly string[];
  readonly encoding: string | undefined;
  readonly session: SessionRow;
}

function directoryKey({ paths, globs, encoding, session }: DirectoryParts): string {
  const { timezone, isPrivate, owner } = session;
  const rest = { globs: [...new Set(globs)].sort(), encoding: encoding ?? null, timezone, isPrivate, owner };
  const key = JSON.stringify({ paths, ...rest });
  if (key.length <= DIRECTORY_KEY_CHARS_MAX) return key;
  const sha256 = createHash('sha256').update(key).digest('hex');
  const [first = ''] = paths;
  return JSON.stringify({ paths: [first.slice(0, 200)], more: paths.length - 1, sha256 });
}

async function directorySession(context: SessionsContext, row: SessionRow & { directory: string }) {
  const found = await context.store.sessionForDirectory(row);
  if (!isExpired(context, found.row)) return found;
  await context.store.deleteSession(found.row.id);
  return context.store.sessionForDirectory(row);
}

/**
 * The files that a walk found: those that are known are looked at again only where they have changed.
 *
 * @returns `gone`: the paths that the session has and the walk did not find
 */
async function asFound(
  rows: readonly SessionFileRow[],
  found: readonly FoundFile[],
  encoding: string | undefined,
  options: LookOptions,
): Promise<Looked & { readonly gone: readonly string[] }> {
  const there = new Map(found.map((file) => [file.path, file]));
  const { known } = knownFiles(rows.filter(({ path }) => there.has(path)));
  const [untouched, touched]: [KnownFile[], KnownFile[]] = [[], []];
  for (const one of known) (isUntouched(one.file, there.get(one.file.path)) ? untouched : touched).push(one);
  const again = await lookAgain(touched, options);
  const knownPaths = new Set(known.map(({ file }) => file.path));
  const anew = await lookAtNew(
    found.filter(({ path }) => !knownPaths.has(path)),
    encoding,
    options,
  );
  const files = related([...untouched, ...again.files, ...anew.files]);
  return {
    files,
    gone: rows.flatMap(({ path }) => (there.has(path) ? [] : [path])),
    notices: [...again.notices, ...anew.notices],
  };
}

function isUntouched(file: LogFile, found: FoundFile | undefined): boolean {
  return (
    found !== undefined &&
    found.sizeBytes === file.sizeBytes &&
    found.mtimeMs === file.mtimeMs &&
    found.inode === file.identity.inode &&
    found.device === file.identity.device
  );
}

/** @throws ChsError QUOTA_EXCEEDED where there are too many */
async function foundFiles(
  roots: readonly string[],
  globs: readonly string[],
  { rules, signal }: LookOptions,
) {
  const found = await findFiles(roots, { globs, rules, signal, filesMax: FILES_MAX });
  if (found.notices.some(({ code }) => code === 'TOO_MANY_FILES')) refuseTooMany(FILES_MAX + 1);
  return found;
}

function refuseTooMany(count: number): void {
  if (count > FILES_MAX) throw new ChsError('QUOTA_EXCEEDED', { reason: `more than ${FILES_MAX} files` });
}
