/** The daemon's app inside this process, for commands that work on the local data directory. */
import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import { createChs } from '../src/compose.ts';
import { createApp } from './app.ts';
import { openLazyLog } from './log/lazy.ts';

export interface Embedded {
  fetch(request: Request): Promise<Response>;
  /** A key that exists in this process only: whoever may read the data directory may do everything. */
  readonly ownerKey: string;
  close(): Promise<void>;
}

/** @throws ChsError DATABASE_UNUSABLE, DATABASE_BUSY */
export async function openEmbedded({ config }: LoadedConfig): Promise<Embedded> {
  const ownerKey = randomBytes(32).toString('base64url');
  const log = openLazyLog(config.logging);
  const chs = await createChs(config, { log, keys: [{ name: 'owner', key: ownerKey, kind: 'owner' }] });
  const app = createApp(chs, { config, log });
  return {
    fetch: async (request) => app.fetch(request, {}),
    ownerKey,
    async close() {
      await chs.close();
      await log.close();
    },
  };
}
