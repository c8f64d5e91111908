/** `chs backup cron`: backups on a schedule, in the foreground or by the machine's own scheduler. */
import { type Command, Option } from 'commander';
import { printable } from '../../src/platform/errors.ts';
import { isTimeZone } from '../../src/platform/time-zones.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { COMMAND_CHARS_MAX, crontabBlock, crontabCommand } from './crontab.ts';
import { runForeground } from './foreground.ts';
import { installCrontab, removeUnits, systemctl, unitPlace, writeUnits } from './install.ts';
import { type CronFields, calendarEvents, PatternError, parsePattern } from './pattern.ts';
import { said } from './said.ts';
import { type ScheduledCall, scheduledCall } from './scheduled-call.ts';
import { systemdUnits, TIMER } from './systemd.ts';

const SCHEDULE = '0 2 * * *';
const SCHEDULERS = ['crontab', 'systemd'];

export function cronCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'cron',
    summary: 'Make backups on a schedule, here or by crontab or systemd',
    description:
      'Stays in the foreground and makes a backup of everything whenever the schedule says so, then prunes; one line a ' +
      'run, until Ctrl-C. A run that was missed is made up for at the start. --print writes what crontab or systemd need ' +
      'to do the same, --install puts it there.',
    options: () => [
      new Option(
        '--schedule <pattern>',
        `five fields of cron in place of backup.schedule, or of "${SCHEDULE}"`,
      ),
      new Option(
        '--timezone <zone>',
        "zone of the schedule in place of backup.timezone, or of the machine's",
      ),
      new Option('--print <scheduler>', 'write a crontab line, or a service and a timer').choices(SCHEDULERS),
      new Option('--install <scheduler>', 'put it into the crontab, or among the units').choices(SCHEDULERS),
      new Option('--uninstall <scheduler>', 'take it out again').choices(SCHEDULERS),
    ],
    examples: [
      'chs backup cron',
      'chs backup cron --schedule "30 3 * * 1-5" --timezone Europe/Berlin',
      'chs backup cron --print systemd',
      'chs backup cron --install crontab',
    ],
    action: cron,
  });
}

/** When to make backups. */
export interface Schedule {
  readonly pattern: string;
  readonly timeZone: string;
}

async function cron(run: Run, { options }: Invocation): Promise<ExitCode> {
  const { schedule, timezone } = options;
  const asked = ['print', 'install', 'uninstall'].filter((name) => options[name] !== undefined);
  if (asked.length > 1) throw usageError(`--${asked[0]} and --${asked[1]} exclude each other`);
  if (typeof timezone === 'string' && !isTimeZone(timezone)) {
    throw usageError(
      `--timezone: there is no zone '${printable(timezone, 100)}'`,
      'Name it as Europe/Berlin, Asia/Shanghai or UTC.',
    );
  }
  const loaded = await run.config();
  if (run.options.server !== undefined) {
    throw usageError(
      'a schedule is for databases here, and --server names another machine',
      'A server has its own: backup.schedule in its configuration.',
    );
  }
  const { backup } = loaded.config;
  const machineZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const given: Schedule = {
    pattern: typeof schedule === 'string' ? schedule : (backup.schedule ?? SCHEDULE),
    timeZone: typeof timezone === 'string' ? timezone : (backup.timezone ?? machineZone),
  };
  if (asked.length === 0) return runForeground(run, loaded, given);
  refuseWindows(given);
  if (options.uninstall !== undefined) return uninstall(run, options.uninstall === 'systemd');
  const fields = fieldsOf(given.pattern);
  const call = scheduledCall(loaded, run.env, [process.execPath, process.argv[1] ?? 'chs']);
  warnOfMissing(run, call);
  const isSystemd = (options.print ?? options.install) === 'systemd';
  const isPrint = options.print !== undefined;
  if (isSystemd)
    return isPrint ? printUnits(run, call, fields, given) : installUnits(run, call, fields, given);
  const timeZone = given.timeZone === machineZone ? null : given.timeZone;
  return writeCrontab(run, call, { pattern: given.pattern, timeZone }, isPrint);
}

function fieldsOf(pattern: string): CronFields {
  try {
    return parsePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw usageError(
      `--schedule: ${printable(error.message, 200)}`,
      'Give five fields such as "0 2 * * *", or run `chs backup cron` in the foreground.',
    );
  }
}

/** It has neither; what does the same there is one line of its own. */
function refuseWindows({ pattern }: Schedule): void {
  if (process.platform !== 'win32') return;
  const [, minute = '0', hour = '2'] = /^\s*(\d{1,2})\s+(\d{1,2})\s/.exec(pattern) ?? [];
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  const command = `\\"${process.execPath}\\" \\"${process.argv[1] ?? 'chs'}\\" backup create --quiet`;
  throw usageError(
    'Windows has neither crontab nor systemd',
    `schtasks /Create /SC DAILY /ST ${time} /TN "chs backup" /TR "${command}"`,
  );
}

function warnOfMissing(run: Run, { missing }: ScheduledCall): void {
  if (missing.length === 0) return;
  run.out.warn(
    said(
      run,
      `${missing.join(', ')}: set in this environment, secret, and not written into the schedule; put it into the configuration`,
    ),
  );
}

function writeCrontab(
  run: Run,
  call: ScheduledCall,
  when: { readonly pattern: string; readonly timeZone: string | null },
  isPrint: boolean,
): Promise<ExitCode> | ExitCode {
  const { out } = run;
  const block = crontabBlock({ ...when, call });
  if (crontabCommand(call).length > COMMAND_CHARS_MAX)
    out.warn(
      said(
        run,
        `the line is longer than some crons take (${COMMAND_CHARS_MAX} characters); use a configuration file`,
      ),
    );
  if (isPrint) {
    if (out.json) out.value({ crontab: `${block}\n` });
    else out.line(block);
    return 0;
  }
  return installCrontab(run, block).then((isChanged) => {
    if (out.json) out.value({ installed: 'crontab', changed: isChanged, log: call.logFile });
    else out.line(isChanged ? 'installed in the crontab of this user' : 'the crontab has it already');
    out.note(`What it says goes into ${call.logFile}.`);
    return 0;
  });
}

function unitsOf(call: ScheduledCall, fields: CronFields, { timeZone }: Schedule, system: boolean) {
  return systemdUnits({ events: calendarEvents(fields, timeZone), call, system });
}

function printUnits(run: Run, call: ScheduledCall, fields: CronFields, schedule: Schedule): ExitCode {
  const { out, env } = run;
  const { folder, system } = unitPlace(env);
  const units = unitsOf(call, fields, schedule, system);
  if (out.json) {
    out.value({ units });
    return 0;
  }
  for (const [name, content] of Object.entries(units)) out.line(`# ${folder}/${name}\n${content}`);
  return 0;
}

async function installUnits(
  run: Run,
  call: ScheduledCall,
  fields: CronFields,
  schedule: Schedule,
): Promise<ExitCode> {
  const { out } = run;
  const place = unitPlace(run.env);
  const files = await writeUnits(place.folder, unitsOf(call, fields, schedule, place.system));
  const problem = await systemctl(run, place, [['daemon-reload'], ['enable', '--now', TIMER]]);
  if (out.json) out.value({ installed: 'systemd', files, started: problem === null, problem });
  else for (const file of files) out.line(file);
  const command = `systemctl${place.system ? '' : ' --user'}`;
  if (problem !== null) {
    out.warn(
      said(
        run,
        `the timer was written and not started: ${printable(problem, 300)}. Next: ${command} daemon-reload && ${command} enable --now ${TIMER}`,
      ),
    );
  }
  if (!place.system) out.note('`loginctl enable-linger` lets it run while you are not logged in.');
  out.note(
    `\`${command} list-timers ${TIMER}\` says when it runs, \`journalctl${place.system ? '' : ' --user'} -u chs-backup\` what it said.`,
  );
  return 0;
}

async function uninstall(run: Run, isSystemd: boolean): Promise<ExitCode> {
  const { out } = run;
  if (!isSystemd) {
    const isChanged = await installCrontab(run, null);
    if (out.json) out.value({ uninstalled: 'crontab', changed: isChanged });
    else out.line(isChanged ? 'taken out of the crontab of this user' : 'the crontab does not have it');
    return 0;
  }
  const place = unitPlace(run.env);
  const stopped = await systemctl(run, place, [['disable', '--now', TIMER]]);
  const files = await removeUnits(place.folder);
  const problem = files.length === 0 ? null : (stopped ?? (await systemctl(run, place, [['daemon-reload']])));
  if (out.json) out.value({ uninstalled: 'systemd', files, problem });
  else if (files.length === 0) out.line('no units of chs are there');
  else for (const file of files) out.line(`removed ${file}`);
  if (problem !== null) out.warn(said(run, `the timer may still be running: ${printable(problem, 300)}`));
  return 0;
}
