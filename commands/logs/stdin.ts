/** Standard input as a log file: kept in a scratch file for as long as it is searched. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { usageError } from '../failure.ts';
import { localFileError } from '../local-file.ts';
import type { Run } from '../run.ts';
import { standardInput } from '../special-file.ts';
import type { LogClient, OpenOptions, Target } from './target.ts';

/** After so long without a byte it is said what is waited for. */
const PATIENCE_MS = 3_000;

/**
 * Reads it whole, since its times and encoding are known from more than one line, and lines may be asked for again.
 *
 * @param isNamed whether `-` was written
 * @throws ChsError USAGE with a server, whose files are its own, and on a terminal; LOCAL_FILE
 */
export async function openStandardInput(
  run: Run,
  client: LogClient,
  options: OpenOptions,
  isNamed: boolean,
): Promise<Pick<Target, 'sessionId' | 'close'>> {
  const { config } = await run.config();
  if ((run.options.server ?? config.client.server) !== undefined)
    throw usageError(
      'standard input can be searched on this machine only; a server reads its own files',
      isNamed ? 'Leave --server out, or name a path of the server.' : 'Name a path of the server.',
    );
  const input = standardInput('-');
  const folder = await mkdtemp(join(tmpdir(), 'chs-logs-')).catch((error: unknown) => {
    throw localFileError(tmpdir(), error);
  });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'stdin.log');
  const waiting = setTimeout(
    () => run.out.note('Reading standard input. Name a path, as . for this directory, to search files.'),
    PATIENCE_MS,
  );
  input.once('data', () => clearTimeout(waiting));
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }), { signal: run.signal });
    const { session_id: sessionId } = await client.openDirectory(
      { paths: [path], list_files: false, ...options },
      { signal: run.signal },
    );
    const close = async (): Promise<void> => {
      await client.closeSession({ session_id: sessionId }).finally(remove);
    };
    return { sessionId, close };
  } catch (error) {
    await remove();
    run.signal.throwIfAborted();
    throw localFileError(path, error);
  } finally {
    clearTimeout(waiting);
  }
}
