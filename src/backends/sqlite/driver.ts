/** Picks the better-sqlite3 build that is sound on this Node.js. */
import { createRequire } from 'node:module';
import BetterSqlite3 from 'better-sqlite3';

type Driver = typeof BetterSqlite3;

const require = createRequire(import.meta.url);
const usesNodeApi = Number(process.versions.node.split('.')[0]) >= 22;

/**
 * better-sqlite3 12 aborts on Node 24 when garbage collection runs from asynchronous code, and 13,
 * which is built on Node-API, crashes on Node 20: so each has the versions on which it is proven.
 */
export function loadDriver(): Driver {
  return usesNodeApi ? require('better-sqlite3-napi') : BetterSqlite3;
}

/**
 * Where the addon is, so that the driver need not look through a dozen folders for it at each start;
 * undefined where it is not in the usual place, and then the driver looks.
 */
export function nativeBinding(): string | undefined {
  if (usesNodeApi) return undefined;
  try {
    return require.resolve('better-sqlite3/build/Release/better_sqlite3.node');
  } catch {
    return undefined;
  }
}
