/** Picks the better-sqlite3 build that is sound on this Node.js. */
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';

type Driver = typeof BetterSqlite3;

/**
 * better-sqlite3 12 aborts on Node 24 when garbage collection runs from asynchronous code, and 13,
 * which is built on Node-API, crashes on Node 20: so each has the versions on which it is proven.
 */
export function loadDriver(nodeVersion = process.versions.node): Driver {
  const require = createRequire(import.meta.url);
  const major = Number(nodeVersion.split('.')[0]);
  return require(major >= 22 ? 'better-sqlite3-napi' : 'better-sqlite3');
}
