/** Starts a chs on restored data, in this process, and asks whether it works. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { crashOperations } from '../../src/crash/operations.ts';
import { healthOperations } from '../../src/health/operations.ts';
import type { Language } from '../../src/platform/messages.ts';
import { connectEmbedded } from '../connect.ts';
import { counted } from '../views/backup.ts';

/** @param folder as `CHS_DATA_DIR` names it */
export async function openRestored(
  folder: string,
  language: Language,
  signal: AbortSignal,
): Promise<{ ok: boolean; detail: string }> {
  const { loadConfig } = await import('../../config/load.ts');
  // Nothing of the user's own configuration plays a part: what was restored is to be opened, and nothing else.
  const explicitPath = join(folder, 'drill.config.toml');
  await writeFile(explicitPath, '[logging]\nstdout = false\n', { mode: 0o600 });
  const loaded = await loadConfig({ cwd: folder, env: {}, explicitPath, home: folder });
  const connection = await connectEmbedded(loaded, language);
  try {
    const { method, path } = healthOperations.ready;
    const reply = await connection.transport.send({ method, path, headers: {}, body: null, signal });
    const body = await text(reply.body);
    if (reply.status !== 200) return { ok: false, detail: `not ready: ${body}` };
    const { total } = await connection.client(crashOperations).listMinidumps({ page_size: 1 }, { signal });
    return { ok: true, detail: `ready, ${counted(total, 'minidump')}` };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    await connection.close();
  }
}
