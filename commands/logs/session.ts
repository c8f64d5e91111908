/** Which session a command works on, where the line does not say it. */
import { Option } from 'commander';
import { printable } from '../../src/platform/errors.ts';
import type { Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { Run } from '../run.ts';
import { textOf } from './query-options.ts';
import type { LogClient } from './target.ts';

/** So many of the sessions used last are looked at for one that somebody started. */
const LOOKED_AT = 1000;

export function sessionOption(): Option {
  return new Option(
    '--session <id>',
    'the session (default: $CHS_LOG_SESSION, or the one used last that `chs logs open` started)',
  );
}

/**
 * `--session`, else the environment, else the session used last that somebody started; that one is named on stderr.
 *
 * @throws ChsError USAGE when there is none
 */
export async function defaultSession(run: Run, client: LogClient, invocation: Invocation): Promise<string> {
  const given = textOf(invocation, 'session') ?? (run.env.CHS_LOG_SESSION || undefined);
  if (given !== undefined) return given;
  const { sessions } = await client.listSessions({ limit: LOOKED_AT }, { signal: run.signal });
  const last = sessions.find(({ directory }) => directory === null);
  if (!last) throw usageError('there is no session yet', 'Start one: `chs logs open DIR`.');
  const about = last.hint === null ? '' : ` (${printable(last.hint, 80)})`;
  run.out.note(run.out.noteStyle.dim(`session ${last.session_id}${about}`));
  return last.session_id;
}
