/** The units of systemd that make backups: a service that runs once, and the timer that starts it. Pure. */
import { type ScheduledCall, scheduledCommands } from './scheduled-call.ts';

export const SERVICE = 'chs-backup.service';
export const TIMER = 'chs-backup.timer';

/** The first line of both: what has another one is not ours to replace. */
export const MARK = '# Written by `chs backup cron`; edits are lost when it is installed again.';

export interface UnitOptions {
  /** Values of OnCalendar=. */
  readonly events: readonly string[];
  readonly call: ScheduledCall;
  /** Of the whole machine, not of a user: more can be kept from the service there. */
  readonly system: boolean;
}

/** Files by name. */
export function systemdUnits({ events, call, system }: UnitOptions): Readonly<Record<string, string>> {
  return { [SERVICE]: service(call, system), [TIMER]: timer(events) };
}

function service(call: ScheduledCall, system: boolean): string {
  const environment = Object.entries(call.environment).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
  );
  // Commands of a service of this type run one after the other, each only when the one before it was well.
  const commands = scheduledCommands(call).map((words) => `ExecStart=${words.map(quotedWord).join(' ')}`);
  return lines([
    MARK,
    '[Unit]',
    'Description=Back up databases (chs backup create, then prune)',
    'Documentation=man:chs-backup(1)',
    '',
    '[Service]',
    'Type=oneshot',
    ...environment,
    ...commands,
    'Nice=10',
    'IOSchedulingClass=best-effort',
    'IOSchedulingPriority=7',
    'UMask=0077',
    'NoNewPrivileges=yes',
    ...(system ? hardening : []),
  ]);
}

/**
 * What a backup never does. Not ProtectSystem=strict or ProtectHome: databases may be anywhere, and who reads one in WAL
 * mode writes beside it; not MemoryDenyWriteExecute: V8 makes code while it runs.
 */
const hardening: readonly string[] = [
  'ProtectSystem=full',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
];

function timer(events: readonly string[]): string {
  return lines([
    MARK,
    '[Unit]',
    'Description=Schedule of chs backups',
    '',
    '[Timer]',
    ...events.map((event) => `OnCalendar=${event}`),
    '# A run that was missed, as the machine was off, is made up for.',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]);
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}

/** systemd.syntax(7): `%` begins a specifier, and quotes keep spaces. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

/** A word of a command line, where `$` begins a variable, too. */
function quotedWord(word: string): string {
  const plain = /^[\w@+:,./=-]+$/.test(word);
  return plain ? word : quoted(word).replaceAll('$', '$$$$');
}
