/** The schedule in the foreground. */

import type { LoadedConfig } from '../../config/load.ts';
import type { ExitCode, Run } from '../run.ts';
import type { Schedule } from './cron.ts';
export async function runForeground(
  _run: Run,
  _loaded: LoadedConfig,
  _schedule: Schedule,
): Promise<ExitCode> {
  return 2;
}
