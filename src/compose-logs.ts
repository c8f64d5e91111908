/** The part of compose.ts that builds the logs domain, with the crashes that it puts on its timelines. */
import type { Config } from '../config/schema.ts';
import type { SqlBackend } from './backends/sql/backend.ts';
import { createLogStore } from './backends/sql/log-store.ts';
import { createCrashTimes } from './crash/crash-times.ts';
import type { CrashStore } from './crash/store.ts';
import { lazyHandlers } from './lazy-domain.ts';
import type { Logs, LogsContext } from './logs/logs.ts';
import { logOperations } from './logs/operations.ts';
import type { AccessRules } from './logs/source/access.ts';
import type { Principal } from './platform/access.ts';

interface LogParts {
  readonly database: SqlBackend;
  readonly store: CrashStore;
  readonly now: () => number;
}

/** The logs domain, loaded by the first call of one of its operations. */
export function composeLogs(config: Config, { database, store, now }: LogParts) {
  const logStore = createLogStore(database);
  let opened: Promise<Logs> | null = null;
  const open = (): Promise<Logs> => {
    opened ??= import('./logs/logs.ts').then(({ createLogs }) =>
      createLogs({
        store: logStore,
        access: accessRulesOf(config),
        limits: logLimitsOf(config),
        rules: ruleFoldersOf(config),
        threads: config.logs.threads,
        crashes: createCrashTimes(store),
        now,
      }),
    );
    return opened;
  };
  return {
    handlers: lazyHandlers(logOperations, async () => (await open()).handlers),
    expire: async (signal: AbortSignal): Promise<void> => (await open()).expire(signal),
    close: async (): Promise<void> => (await opened)?.close(),
  };
}

/** The person whose machine it is may read what the system lets them, but for what is denied to all; whoever calls over the network, what is allowed. */
function accessRulesOf({ fs }: Config): LogsContext['access'] {
  let owners: AccessRules = { allowRoots: null, denyPatterns: fs.deny_patterns };
  let current: AccessRules = { allowRoots: fs.allow_roots, denyPatterns: fs.deny_patterns };
  return ({ kind }: Principal) => {
    // A reload puts new lists in the configuration.
    if (kind === 'owner') {
      if (owners.denyPatterns !== fs.deny_patterns)
        owners = { allowRoots: null, denyPatterns: fs.deny_patterns };
      return owners;
    }
    if (current.allowRoots !== fs.allow_roots || current.denyPatterns !== fs.deny_patterns)
      current = { allowRoots: fs.allow_roots, denyPatterns: fs.deny_patterns };
    return current;
  };
}

function logLimitsOf({ limits, search, sessions, security, logs, clock_drift_policy }: Config) {
  return {
    get maxHits() {
      return limits.max_hits;
    },
    get pageSize() {
      return search.page_size;
    },
    get maxContextLines() {
      return limits.max_context_lines;
    },
    get maxLineBytes() {
      return limits.max_line_bytes;
    },
    get maxScannedBytes() {
      return search.max_scanned_bytes;
    },
    get hardTimeoutMs() {
      return logs.hard_timeout_ms;
    },
    get regexTimeoutMs() {
      return limits.regex_timeout_ms;
    },
    get cursorTtlMs() {
      return security.cursor_ttl * 1000;
    },
    get maxSessionBytes() {
      return sessions.max_session_bytes;
    },
    get sessionTtlMs() {
      return sessions.session_ttl;
    },
    get maxConcurrentSearches() {
      return logs.max_concurrent_searches;
    },
    get indexedBytesMin() {
      return search.enable_temp_index
        ? search.temp_index_threshold_mb * 1024 * 1024
        : Number.POSITIVE_INFINITY;
    },
    get clockDriftMs() {
      return clock_drift_policy.seconds * 1000;
    },
  };
}

function ruleFoldersOf({ logs }: Config) {
  return {
    factsFolder: logs.facts_dir,
    redactFolder: logs.redact_dir,
    get redact() {
      return logs.redact;
    },
  };
}
