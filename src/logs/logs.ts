/** The logs domain: the functions behind its operations. */
import type { Handlers } from '../operation.ts';
import type { Principal } from '../platform/access.ts';
import { createAroundCrash } from './around-crash.ts';
import { createEvidence } from './evidence.ts';
import { createExplaining } from './explaining.ts';
import { createRuleFolders, type RuleFolderSettings } from './facts/rule-folders.ts';
import { createScanSlots, type FindingContext, type FindingLimits } from './finding.ts';
import type { logOperations } from './operations.ts';
import { createOverviews } from './overviews.ts';
import { createReadingLines } from './reading-lines.ts';
import { createRecentViews } from './recent-views.ts';
import { createRegexCheck } from './regex-check.ts';
import { type BlockTimesCache, createBlockTimesCache } from './search/block-times.ts';
import { createScanPool } from './search/pool.ts';
import { createSearching } from './searching.ts';
import { createSessions } from './sessions.ts';
import type { AccessRules } from './source/access.ts';
import type { LogStore } from './store.ts';
import type { CrashEvent, CrashesBetween } from './timeline.ts';

export interface LogsContext {
  readonly store: LogStore;
  /** What a caller may read; the same object as long as nothing changes. */
  readonly access: (principal: Principal) => AccessRules;
  readonly limits: FindingLimits & { readonly sessionTtlMs: number };
  readonly rules: RuleFolderSettings;
  /** 0 for as many as there are cores. */
  readonly threads: number;
  /** The stored crashes, which another domain keeps. */
  readonly crashes: {
    readonly between: CrashesBetween;
    readonly byId: (minidumpId: string) => Promise<CrashEvent | null>;
  };
  readonly now: () => number;
}

export interface Logs {
  readonly handlers: Handlers<typeof logOperations>;
  /** Forgets sessions that nobody used for long, some at a time; ends early when `signal` is aborted. */
  expire(signal: AbortSignal): Promise<void>;
  /** Forgets some more, as no daemon may ever run here. */
  close(): Promise<void>;
}

/** Small files are looked through faster than anything could be remembered of them. */
function largeFilesOnly(
  cache: BlockTimesCache,
  limits: Pick<FindingLimits, 'indexedBytesMin'>,
): BlockTimesCache {
  return {
    get: (file) => (file.sizeBytes >= limits.indexedBytesMin ? cache.get(file) : null),
    add(file, learned) {
      if (file.sizeBytes >= limits.indexedBytesMin) cache.add(file, learned);
    },
  };
}

export function createLogs(context: LogsContext): Logs {
  const { store, limits, now } = context;
  const rules = createRuleFolders(context.rules, now);
  const sessions = createSessions({ store, access: context.access, limits, now });
  const views = createRecentViews((id, call) => sessions.view(id, call), now);
  const pool = createScanPool(context.threads);
  const slots = createScanSlots(limits);
  const finding: FindingContext = {
    store,
    pool,
    times: largeFilesOnly(createBlockTimesCache(), limits),
    view: views.fresh,
    recentView: views.recent,
    limits,
    redaction: () => rules.redaction(),
    now,
  };
  const evidence = createEvidence({
    store,
    session: (id, call) => sessions.session(id, call),
    rules: async () => ({ facts: await rules.facts() }),
    crashesBetween: context.crashes.between,
    limits,
    now,
  });
  const { openDirectory } = sessions.handlers;
  return {
    handlers: {
      ...sessions.handlers,
      ...createSearching(finding, slots),
      ...createOverviews(finding, slots),
      ...createExplaining(finding, slots),
      ...createReadingLines(finding, slots),
      ...createRegexCheck(limits),
      ...evidence,
      ...createAroundCrash({ ...finding, openDirectory, crash: context.crashes.byId }, slots),
    },
    async expire(signal) {
      while (!signal.aborted && (await sessions.expire()) > 0);
    },
    async close() {
      // What cannot be forgotten now is forgotten another time.
      await sessions.expire().catch(() => 0);
      await pool.close();
    },
  };
}
