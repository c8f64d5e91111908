/** What is below the symbol server's roots and is none of its files: debuggers probe for much, and get short text. */
import type { Hono } from 'hono';
import { ChsError } from '../src/platform/errors.ts';
import { SYMBOL_ROOTS, symbolsDialect, withoutToken } from './dialects/symbols.ts';
import { type AppEnv, authorize, type MountOptions } from './mount.ts';

/** To be called after the routes of the operations: what they take never comes here. */
export function mountSymbolProbes(app: Hono<AppEnv>, options: MountOptions): void {
  for (const root of SYMBOL_ROOTS) {
    app.all(`${root}/*`, async (c) => {
      await authorize(c, { access: 'symbols' }, symbolsDialect, options);
      const { method, path } = c.req;
      if (method === 'GET' || method === 'HEAD') throw new ChsError('SYMBOL_NOT_FOUND');
      throw new ChsError('METHOD_NOT_ALLOWED', { method, path: withoutToken(path), allow: 'GET, HEAD' });
    });
  }
}
