/** A whole chs in a throw-away directory: no configuration, no data and no variable of the user's plays a part. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChsError } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import { type Connection, connectEmbedded } from './connect.ts';

const UNWRITABLE = 'the temporary directory cannot be written; set TMPDIR';

/** Whether withScratch failed for want of a temporary directory. */
export function isScratchUnwritable(error: unknown): boolean {
  return error instanceof ChsError && error.params.reason === UNWRITABLE;
}

/**
 * Runs `work` on it. The directory goes afterwards, whatever happens, unless it is to be kept.
 *
 * @param purpose part of the directory's name
 * @throws ChsError LOCAL_FILE when the directory cannot be made, whatever `work` throws
 */
export async function withScratch<T>(
  { purpose, language, keep = false }: { purpose: string; language: Language; keep?: boolean },
  work: (connection: Connection, folder: string) => Promise<T>,
): Promise<T> {
  const { loadConfig } = await import('../config/load.ts');
  const folder = await mkdtemp(join(tmpdir(), `chs-${purpose}-`)).catch((error: unknown) => {
    throw new ChsError('LOCAL_FILE', { path: tmpdir(), reason: UNWRITABLE }, { cause: error });
  });
  try {
    const explicitPath = join(folder, 'chs.config.toml');
    await writeFile(explicitPath, '[logging]\nstdout = false\n');
    const loaded = await loadConfig({ cwd: folder, env: {}, explicitPath, home: folder });
    const connection = await connectEmbedded(loaded, language);
    try {
      return await work(connection, folder);
    } finally {
      await connection.close();
    }
  } finally {
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}
