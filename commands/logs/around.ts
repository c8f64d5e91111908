/** What logs say around a stored crash, after the facts of its dump. */
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import type { Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { safe } from './hits.ts';
import { absolute } from './paths.ts';
import { numberOf, valuesOf, zoneOf } from './query-options.ts';

const DAY_SECONDS = 86_400;

/** With --json the reply is one more line. Exit code 1: the logs have no line of that time. */
export async function showLogsAround(run: Run, invocation: Invocation, id: string): Promise<ExitCode> {
  const { out, signal } = run;
  const before = numberOf(invocation, 'before', { flag: '--before', min: 0, max: DAY_SECONDS });
  const after = numberOf(invocation, 'after', { flag: '--after', min: 0, max: DAY_SECONDS });
  const zone = zoneOf(invocation);
  const client = (await run.connect()).client(logOperations);
  const reply = await client.aroundCrash(
    {
      minidump_id: id,
      paths: valuesOf(invocation, 'logs').map((path) => absolute(path, run.cwd)),
      ...(zone === undefined ? {} : { timezone: zone }),
      ...(before === undefined ? {} : { seconds_before: before }),
      ...(after === undefined ? {} : { seconds_after: after }),
    },
    { signal },
  );
  const exitCode = reply.lines.length > 0 ? 0 : 1;
  for (const { file, message } of reply.notices)
    out.warn(printable(file === null ? message : `${file}: ${message}`));
  if (!reply.complete) out.warn('the limits of a search ended before all logs were looked at');
  if (out.json) {
    out.value(reply);
    return exitCode;
  }
  if (reply.lines.length === 0) {
    out.note(`The logs have no lines around ${reply.at}. Where their times name no zone, --tz says which.`);
    return exitCode;
  }
  out.line();
  out.line(out.style.dim(`logs around ${reply.at}`));
  let crashed = false;
  for (const { file, line_number, offset_ms, content } of reply.lines) {
    if (!crashed && offset_ms > 0) out.line(out.style.red(out.style.bold('-- crash --')));
    crashed ||= offset_ms > 0;
    const place = out.style.dim(`${printable(file, Number.POSITIVE_INFINITY)}:${line_number}`);
    out.line(`${out.style.green(offsetText(offset_ms).padStart(9))}  ${place}  ${safe(content)}`);
  }
  if (!crashed) out.line(out.style.red(out.style.bold('-- crash --')));
  if (reply.total > reply.lines.length)
    out.note(out.noteStyle.dim(`${reply.lines.length} of ${reply.total} lines, those nearest to the crash`));
  return exitCode;
}

/** `-1.250 s`, `+0.003 s` */
function offsetText(milliseconds: number): string {
  return `${milliseconds < 0 ? '-' : '+'}${(Math.abs(milliseconds) / 1000).toFixed(3)} s`;
}
