/** Builds a whole chs from a configuration: opens the backends, makes the domains, closes what it opened. */

import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Config } from '../config/schema.ts';
import { type Authenticate, createAuthenticate } from './access/authenticate.ts';
import { accessOperations } from './access/operations.ts';
import { createTokens } from './access/tokens.ts';
import { openBlobs, openDatabase } from './backends/open.ts';
import type { SqlBackend } from './backends/sql/backend.ts';
import { createCleanupStore } from './backends/sql/cleanup-store.ts';
import { createCrashStore } from './backends/sql/crash-store.ts';
import { createEventStore } from './backends/sql/event-store.ts';
import { createMissStore } from './backends/sql/miss-store.ts';
import { createModuleStore } from './backends/sql/module-store.ts';
import { createSymbolNameStore } from './backends/sql/name-store.ts';
import { createTokenStore } from './backends/sql/token-store.ts';
import { backupOperations } from './backup/operations.ts';
import { composeBackup } from './compose-backup.ts';
import { composeLogs } from './compose-logs.ts';
import { createCatchUp } from './crash/catch-up.ts';
import { createCleanup } from './crash/cleanup.ts';
import { createCrash } from './crash/crash.ts';
import { createMisses } from './crash/misses.ts';
import { crashOperations } from './crash/operations.ts';
import { filePathOf } from './crash/paths.ts';
import type { CrashStore } from './crash/store.ts';
import { createEvents } from './events/events.ts';
import { createFeed } from './events/feed.ts';
import { eventOperations } from './events/operations.ts';
import { type Component, createHealth } from './health/health.ts';
import { createMetrics, type MetricsText } from './health/metrics.ts';
import { healthOperations } from './health/operations.ts';
import { logOperations } from './logs/operations.ts';
import type { Handlers, Operations } from './operation.ts';
import { anonymous, type FixedKey } from './platform/access.ts';
import type { BlobStore } from './platform/blobs.ts';
import { configuredKeys } from './platform/listen-safety.ts';
import type { Log } from './platform/log.ts';
import { readVersion } from './platform/package.ts';

/** A disk with less free than this is as good as full for the uploads under way. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;

/** One table of operations with the functions behind it. */
export interface Domain<T extends Operations = Operations> {
  readonly operations: T;
  readonly handlers: Handlers<T>;
}

export interface Chs {
  readonly domains: readonly Domain[];
  readonly authenticate: Authenticate;
  /** What Prometheus is told. */
  readonly metrics: () => Promise<MetricsText>;
  /** Makes backups when the configuration's schedule says so; for the process that serves, no other. Null without one. */
  startSchedule(): Promise<{ stop(): Promise<void> } | null>;
  /** Says no to readiness from now on, and ends the replies that would go on for ever. */
  drain(): void;
  /** What has to be done now and then, if it is due; ends early when `signal` is aborted. */
  upkeep(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ComposeOptions {
  readonly log: Log;
  /** Keys besides the configured ones: the generated one, or the one of this process alone. */
  readonly keys: readonly FixedKey[];
  readonly now?: () => number;
}

/**
 * @throws ChsError DATABASE_UNUSABLE, DATABASE_BUSY
 */
export async function createChs(config: Config, { log, keys, now = Date.now }: ComposeOptions): Promise<Chs> {
  const database = await openDatabase({
    path: config.database.path,
    busyTimeoutMs: config.database.busy_timeout_ms,
  });
  const root = config.storage.base_path;
  const blobs = openBlobs({ root, staleAfterMs: config.storage.stale_upload_age });
  const crashStore = createCrashStore(database);
  const tokenStore = createTokenStore(database);
  const eventStore = createEventStore(database);
  const feed = createFeed(eventStore, log);
  const crash = composeCrash(config, { database, blobs, store: crashStore, log, now });
  const logs = composeLogs(config, { database, store: crashStore, now });
  const backup = composeBackup(config, { log, now });
  let draining = false;

  const sweptCount = await blobs.sweep((key) => crashStore.isReferenced(filePathOf(key)));
  if (sweptCount > 0) log.info(`Swept what interrupted uploads left: entries=${sweptCount}`);

  const components = componentsOf({
    database,
    blobs,
    folders: [root, dirname(config.database.path)],
    checkBackups: config.backup.schedule === undefined ? null : backup.checkAge,
    isDraining: () => draining,
  });

  return {
    domains: [
      domain(crashOperations, crash.handlers),
      domain(logOperations, logs.handlers),
      domain(backupOperations, backup.handlers),
      domain(accessOperations, createTokens(tokenStore, now)),
      domain(eventOperations, createEvents({ feed, limits: streamLimitsOf(config), now })),
      domain(healthOperations, createHealth(components)),
    ],
    authenticate: createAuthenticate({
      fixedKeys: () => [...keys, ...configuredKeys(config)],
      tokens: tokenStore,
      now,
      log,
    }),
    metrics: createMetrics({ version: readVersion, backups: backup.age, log }),
    startSchedule: backup.startSchedule,
    drain() {
      draining = true;
      feed.close();
    },
    async upkeep(signal) {
      await eventStore.keepNewest(config.limits.max_events);
      await crash.cleanup.runIfDue(signal);
      await logs.expire(signal);
    },
    async close() {
      feed.close();
      await eventStore.keepNewest(config.limits.max_events).catch((error: unknown) => {
        log.warn(`Old events stay for now: ${error instanceof Error ? error.message : error}`);
      });
      await crash.misses.close();
      await logs.close();
      await backup.close();
      await blobs.close();
      await database.close();
    },
  };
}

/**
 * The backup domain alone: it needs no database of chs, so that a damaged one can be looked after and brought back.
 */
export async function createBackupsAlone(
  config: Config,
  { log, now = Date.now }: Pick<ComposeOptions, 'log' | 'now'>,
): Promise<Chs> {
  const backup = composeBackup(config, { log, now });
  return {
    domains: [domain(backupOperations, backup.handlers)],
    authenticate: async () => anonymous,
    metrics: createMetrics({ version: readVersion, backups: backup.age, log }),
    startSchedule: backup.startSchedule,
    drain() {},
    async upkeep() {},
    close: () => backup.close(),
  };
}

interface CrashParts {
  readonly database: SqlBackend;
  readonly blobs: BlobStore;
  readonly store: CrashStore;
  readonly log: Log;
  readonly now: () => number;
}

/** The crash domain with what runs beside its operations. */
function composeCrash(config: Config, { database, blobs, store, log, now }: CrashParts) {
  const missStore = createMissStore(database);
  const misses = createMisses({ store: missStore, rowsMax: () => config.symbols.max_misses, now, log });
  const modules = createModuleStore(database);
  const catchUp = createCatchUp(modules, blobs);
  const cleanup = createCleanup({
    store: createCleanupStore(database),
    modules,
    blobs,
    catchUp,
    policy: retentionOf(config),
    log,
    now,
  });
  const handlers = createCrash({
    store,
    names: createSymbolNameStore(database),
    misses,
    missStore,
    modules,
    blobs,
    catchUp,
    cleanup,
    limits: limitsOf(config),
    rootName: basename(config.storage.base_path),
    version: readVersion,
    now,
  });
  return { handlers, misses, cleanup };
}

interface Readiness {
  readonly database: SqlBackend;
  readonly blobs: BlobStore;
  readonly folders: readonly string[];
  /** Null where no backups are scheduled. */
  readonly checkBackups: (() => Promise<void>) | null;
  readonly isDraining: () => boolean;
}

/** What has to work for the whole to be ready. */
function componentsOf({ database, blobs, folders, checkBackups, isDraining }: Readiness): Component[] {
  return [
    { name: 'database', check: () => database.check() },
    { name: 'storage', check: () => blobs.check() },
    { name: 'disk', check: () => checkFreeSpace(folders) },
    { name: 'memory', check: checkFreeMemory },
    ...(checkBackups ? [{ name: 'backup', check: checkBackups }] : []),
    {
      name: 'accepting',
      check: async () => {
        if (isDraining()) throw new Error('shutting down');
      },
    },
  ];
}

function domain<T extends Operations>(operations: T, handlers: Handlers<T>): Domain {
  return { operations, handlers: handlers as Handlers<Operations> };
}

function limitsOf({ storage, limits }: Config) {
  // Getters: the configuration may be reloaded in place.
  return {
    get maxMinidumpBytes() {
      return storage.max_minidump_size;
    },
    get maxPdbBytes() {
      return storage.max_pdb_size;
    },
    get maxExeBytes() {
      return storage.max_exe_size;
    },
    get maxConcurrentUploads() {
      return limits.max_concurrent_uploads;
    },
    get strict() {
      return storage.strict;
    },
    get annotations() {
      return {
        maxCount: limits.max_annotations,
        maxBytes: limits.max_annotations_size,
        maxNameBytes: limits.max_annotation_name_bytes,
      };
    },
  };
}

function retentionOf({ cleanup }: Config) {
  return {
    get maxAgeMs() {
      return cleanup.max_age || null;
    },
    get maxSizeBytes() {
      return cleanup.max_size || null;
    },
    get symbols() {
      return cleanup.symbols;
    },
    get intervalMs() {
      return cleanup.interval;
    },
  };
}

function streamLimitsOf({ limits }: Config) {
  return {
    get maxStreams() {
      return limits.max_event_streams;
    },
  };
}

/** Below this the kernel soon ends a process, and a daemon is a likely one. */
const FREE_MEMORY_BYTES_MIN = 32 * 1024 * 1024;

/** What can still be had, within a container's limit if there is one; caches that give way count as free. */
async function checkFreeMemory(): Promise<void> {
  if (process.availableMemory() < FREE_MEMORY_BYTES_MIN) throw new Error('memory is nearly used up');
}

async function checkFreeSpace(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    // A folder that is made on first use is not there yet; its disk is the one above.
    const { bavail, bsize } = await statfs(folder).catch(() => statfs(dirname(folder)));
    if (bavail * bsize < FREE_BYTES_MIN) throw new Error('the disk is nearly full');
  }
}
