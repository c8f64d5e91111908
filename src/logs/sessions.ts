/** Sessions: sets of log files, started by somebody or kept for directories, until nobody has used them for long. */
import type { Handlers } from '../operation.ts';
import type { logOperations } from './operations.ts';
import { addDirectory, openDirectory } from './session-directories.ts';
import {
  knownFiles,
  type Looked,
  type LookOptions,
  lookAgain,
  lookAtNew,
  permitted,
  related,
  writeBack,
} from './session-files.ts';
import {
  type Asking,
  lookOptions,
  mayReadAll,
  newSession,
  ownerSeen,
  type SessionsContext,
  usedSession,
} from './session-lookup.ts';
import { shownFormat, shownSession } from './session-replies.ts';
import type { LogFile } from './source/log-file.ts';
import type { Notice } from './source/notice.ts';
import type { SessionFileRow, SessionRow } from './store.ts';

/** A session with its files as they are now. */
export interface SessionView {
  readonly session: SessionRow;
  readonly files: readonly LogFile[];
  readonly notices: readonly Notice[];
}

type SessionHandlers = Pick<
  Handlers<typeof logOperations>,
  'startSession' | 'addDirectory' | 'openDirectory' | 'inspectFormats' | 'listSessions' | 'closeSession'
>;

export interface Sessions {
  readonly handlers: SessionHandlers;
  /**
   * The session, used from now on.
   *
   * @throws ChsError SESSION_NOT_FOUND also for one that is too old, or private to somebody else
   */
  session(id: string, asking: Asking): Promise<SessionRow>;
  /**
   * The session with its files, looked at again; what has changed is written back.
   *
   * @throws ChsError SESSION_NOT_FOUND; FILE_DENIED where none of its files may be read; IO_ERROR
   */
  view(id: string, asking: Asking): Promise<SessionView>;
  /** Deletes some of the sessions that nobody used for long. Gives how many went; 0 is the end. */
  expire(): Promise<number>;
}

export function createSessions(context: SessionsContext): Sessions {
  const { store, limits, now } = context;
  const session = (id: string, asking: Asking) => usedSession(context, id, asking);
  return {
    handlers: {
      async startSession({ hint, timezone }, { principal }) {
        const row = newSession(context, principal, { timezone, hint: hint ?? null });
        await store.createSession(row);
        return { session_id: row.id };
      },
      addDirectory: (input, call) => addDirectory(context, input, call),
      openDirectory: (input, call) => openDirectory(context, input, call),
      async inspectFormats({ session_id }, call) {
        const { files } = await viewSession(context, session_id, call);
        return { files: files.map(shownFormat) };
      },
      async listSessions({ limit }, { principal }) {
        const withPrivate = mayReadAll(context, principal);
        const { rows, total } = await store.sessions(limit, { withPrivate, owner: ownerSeen(principal) });
        return { sessions: rows.map(shownSession), total };
      },
      async closeSession({ session_id }, call) {
        await session(session_id, call);
        await store.deleteSession(session_id);
        return { success: true };
      },
    },
    session,
    view: (id, asking) => viewSession(context, id, asking),
    expire: () => store.expireSessions(now() - limits.sessionTtlMs),
  };
}

async function viewSession(context: SessionsContext, id: string, asking: Asking): Promise<SessionView> {
  const { store } = context;
  const session = await usedSession(context, id, asking);
  const all = await store.files(id);
  const options = lookOptions(context, session, asking);
  const { rows, notices } = await permitted(all, options.rules);
  const looked = await lookAgainAtRows(rows, options);
  await writeBack(store, id, rows, { files: looked.files, gone: [] });
  return { session, files: looked.files.map(({ file }) => file), notices: [...notices, ...looked.notices] };
}

async function lookAgainAtRows(rows: readonly SessionFileRow[], options: LookOptions): Promise<Looked> {
  const { known, unreadable } = knownFiles(rows);
  const again = await lookAgain(known, options);
  if (unreadable.length === 0) return again;
  const anew = await lookAtNew(unreadable, undefined, options);
  return {
    files: related([...again.files, ...anew.files]),
    notices: [...again.notices, ...anew.notices],
  };
}
