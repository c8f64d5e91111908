/** Sessions and evidence over a real database, as compose makes them, for tests. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { createLogStore } from '../../src/backends/sql/log-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { createEvidence } from '../../src/logs/evidence.ts';
import { loadFactRules } from '../../src/logs/facts/load.ts';
import { createSessions } from '../../src/logs/sessions.ts';
import type { AccessRules } from '../../src/logs/source/access.ts';
import type { CrashesBetween } from '../../src/logs/timeline.ts';
import type { Call } from '../../src/operation.ts';
import type { Principal } from '../../src/platform/access.ts';
import { silentLog } from '../../src/platform/log.ts';
import { NOW_MS } from '../backends/log-rows.ts';
import { testFolder } from '../fixtures/folder.ts';

const DAY_MS = 86_400_000;

const owner: Principal = { kind: 'owner', name: 'owner', scope: 'admin' };
const key: Principal = { kind: 'key', name: 'server.api_key', scope: 'admin' };

function callOf(principal: Principal): Call {
  const log = silentLog;
  const { signal } = new AbortController();
  return { requestId: 'r', signal, principal, address: 'embedded', language: 'en', log };
}

/** Of a key with a narrower scope. */
export const tokensCall = (name: string) => callOf({ kind: 'token', name, scope: 'write' });

/** Calls of the person whose machine it is, and of somebody over the network. */
export const ownersCall = callOf(owner);
export const networkCall = callOf(key);

interface Given {
  readonly files?: Parameters<Test['testdir']>[0];
  /** Below the test's folder; what the network may read. */
  readonly roots?: readonly string[];
  readonly denyPatterns?: readonly string[];
  readonly crashesBetween?: CrashesBetween;
  /** A folder with rules. */
  readonly factsFolder?: string;
}

/** @returns the handlers, the store behind them, and what a test turns: the clock and the limits */
export async function logParts(t: Test, given: Given = {}) {
  const folder = testFolder(t, given.files ?? {});
  const path = join(folder, '.chs', 'chs.db');
  mkdirSync(dirname(path), { recursive: true });
  const backend = await openSqlite({ path, busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  const store = createLogStore(backend);
  const clock = { nowMs: NOW_MS };
  const limits = { sessionTtlMs: 7 * DAY_MS, maxSessionBytes: 1e9, clockDriftMs: 3000 };
  const denyPatterns = given.denyPatterns ?? ['**/.chs/**'];
  const all: AccessRules = { allowRoots: null, denyPatterns };
  const some: AccessRules = {
    allowRoots: (given.roots ?? ['.']).map((root) => join(folder, root)),
    denyPatterns,
  };
  const sessions = createSessions({
    store,
    access: ({ kind }) => (kind === 'owner' ? all : some),
    limits,
    now: () => clock.nowMs,
  });
  const evidence = createEvidence({
    store,
    session: sessions.session,
    rules: async () => {
      const { rules, problems } = await loadFactRules(
        given.factsFolder ? join(folder, given.factsFolder) : null,
      );
      if (problems[0]) throw problems[0];
      return { facts: rules };
    },
    crashesBetween: given.crashesBetween,
    limits,
    now: () => clock.nowMs,
  });
  return { folder, store, clock, limits, sessions, ...sessions.handlers, ...evidence };
}

/** The input of add_directory as its schema makes it. */
export function adding(session_id: string, path: string, globs: string[] = [], encoding?: string) {
  return { session_id, path, globs, encoding };
}

/** The same of open_directory. */
export function opening(
  paths: string[],
  given: { globs?: string[]; encoding?: string; timezone?: string } = {},
) {
  return { paths, globs: [], list_files: true, ...given };
}
