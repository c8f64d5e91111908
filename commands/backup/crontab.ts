/** The lines of a crontab that make backups, and the crontab with or without them. Pure. */
import { dirname } from 'node:path';
import { type ScheduledCall, scheduledCommands } from './scheduled-call.ts';

const BEGIN =
  '# BEGIN chs backup (written by `chs backup cron --install crontab`; edits are lost at the next one)';
const END = '# END chs backup';
/** By its beginning, so that another version's words are recognised. */
const BEGIN_MARK = /^# BEGIN chs backup\b.*$/;

/** cron refuses or cuts what is longer (MAX_COMMAND of Vixie cron is 1000). */
export const COMMAND_CHARS_MAX = 990;

export interface CrontabOptions {
  /** Five fields. */
  readonly pattern: string;
  /** Null where it is that of the machine. */
  readonly timeZone: string | null;
  readonly call: ScheduledCall;
}

/** The lines, markers and all, without a line feed at the end. */
export function crontabBlock({ pattern, timeZone, call }: CrontabOptions): string {
  const zone =
    timeZone === null
      ? []
      : [
          `# CRON_TZ is known to cronie (Fedora, RHEL, SUSE, Arch); cron of Debian and Ubuntu goes by the machine's zone.`,
          `CRON_TZ=${timeZone}`,
        ];
  const schedule = pattern.trim().split(/\s+/).join(' ');
  return [BEGIN, ...zone, `${schedule} ${crontabCommand(call)}`, END].join('\n');
}

/** For sh, with what crontab itself would take as the end of a line. */
export function crontabCommand(call: ScheduledCall): string {
  const { environment, logFile } = call;
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)}`);
  const exported = variables.length > 0 ? `export ${variables.join(' ')}; ` : '';
  const commands = scheduledCommands(call).map((words) => words.map(quoted).join(' '));
  const folder = `mkdir -p ${quoted(dirname(logFile))}`;
  const line = `${exported}${folder} && { ${commands.join(' && ')}; } >> ${quoted(logFile)} 2>&1`;
  return line.replaceAll('%', '\\%');
}

/** A word for sh. */
function quoted(word: string): string {
  return /^[\w@+:,./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * A crontab with the block at its end, where its CRON_TZ changes nothing of the user's, and without an earlier one.
 * The rest stays byte for byte.
 */
export function withBlock(crontab: string, block: string): string {
  const rest = withoutBlock(crontab);
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${block}\n`;
}

/** The crontab without the block. A beginning without an end is left alone: nobody knows where it ends. */
export function withoutBlock(crontab: string): string {
  const lines = crontab.split('\n');
  const from = lines.findIndex((line) => BEGIN_MARK.test(line));
  const to = lines.indexOf(END, from);
  if (from < 0 || to < from) return crontab;
  return withoutBlock([...lines.slice(0, from), ...lines.slice(to + 1)].join('\n'));
}
