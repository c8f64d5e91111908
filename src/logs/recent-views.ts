/** The sessions that were looked at a moment ago: pages follow each other closely, and looking at 10,000 files takes time. */
import type { Call } from '../operation.ts';
import type { SessionView } from './sessions.ts';

export interface RecentViews {
  /** As it is now. @throws ChsError SESSION_NOT_FOUND */
  fresh(sessionId: string, call: Call): Promise<SessionView>;
  /** As it was at most a second ago, for the same caller. What has changed since is noticed when a file is opened. */
  recent(sessionId: string, call: Call): Promise<SessionView>;
}

const RECENT_MS = 1_000;
const VIEWS_MAX = 4;

export function createRecentViews(
  look: (sessionId: string, call: Call) => Promise<SessionView>,
  now: () => number,
): RecentViews {
  const views = new Map<string, { readonly atMs: number; readonly view: SessionView }>();
  const keyOf = (sessionId: string, { principal }: Call): string =>
    JSON.stringify([sessionId, principal.kind, principal.name, principal.scope]);
  const fresh = async (sessionId: string, call: Call): Promise<SessionView> => {
    const key = keyOf(sessionId, call);
    views.delete(key);
    const view = await look(sessionId, call);
    views.set(key, { atMs: now(), view });
    const [oldest] = views.keys();
    if (views.size > VIEWS_MAX && oldest !== undefined) views.delete(oldest);
    return view;
  };
  return {
    fresh,
    async recent(sessionId, call) {
      const known = views.get(keyOf(sessionId, call));
      const isRecent = known && now() >= known.atMs && now() - known.atMs < RECENT_MS;
      return isRecent ? known.view : fresh(sessionId, call);
    },
  };
}
