/** What `chs backup cron` writes for crontab and systemd, and how it gets there. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  COMMAND_CHARS_MAX,
  crontabBlock,
  crontabCommand,
  withBlock,
  withoutBlock,
} from '../../commands/backup/crontab.ts';
import { removeUnits, writeUnits } from '../../commands/backup/install.ts';
import { calendarEvents, parsePattern } from '../../commands/backup/pattern.ts';
import { type ScheduledCall, scheduledCall } from '../../commands/backup/scheduled-call.ts';
import { SERVICE, systemdUnits, TIMER } from '../../commands/backup/systemd.ts';
import { loadConfig } from '../../config/load.ts';
import { testFolder } from '../fixtures/folder.ts';
import { program, runChs } from './run-chs.ts';

t.setTimeout(300_000);

const call: ScheduledCall = {
  program: ['/usr/bin/node', '/opt/my chs/chs.cjs'],
  options: ['--config', "/etc/it's 100%/chs.toml"],
  environment: { CHS_DATA_DIR: '/srv/$HOME data' },
  missing: [],
  logFile: '/srv/data/backup-cron.log',
};

/** Why a test cannot run here, or false. */
const noSystemd =
  spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'there is no systemd-analyze here';
const noShell = process.platform === 'win32' ? 'Windows has neither sh nor crontab' : false;

t.test('reads the fields of a pattern', async (t) => {
  t.strictSame(parsePattern('0 2 * * *'), {
    minutes: [0],
    hours: [2],
    days: null,
    months: null,
    weekdays: null,
  });
  t.match(parsePattern(' */20  8-18/5 1,15 jan-MAR 5-7 '.replace('1,15', '*')), {
    minutes: [0, 20, 40],
    hours: [8, 13, 18],
    days: null,
    months: [1, 2, 3],
    weekdays: [0, 5, 6],
  });
  t.match(parsePattern('5/25 * * * sun'), { minutes: [5, 30, 55], weekdays: [0] });
  t.match(parsePattern('0 0 * * */2'), { weekdays: [0, 2, 4, 6] });
});

t.test('refuses what crontab and systemd do not know', async (t) => {
  const patterns = [
    '0 2 * *',
    '0 2 * * * *',
    '60 2 * * *',
    '0 24 * * *',
    '0 2 0 * *',
    '0 2 * 13 *',
    '0 2 * * 8',
    '0 2 L * *',
    '0 2 ? * *',
    '0 2 * * fri#2',
    '0 2 15W * *',
    '0 2 * * fri-mon',
    '*/0 2 * * *',
    '1-2-3 2 * * *',
    '1,,2 2 * * *',
    '0 2 */2 * mon',
    '-1 2 * * *',
  ];
  for (const pattern of patterns) t.throws(() => parsePattern(pattern), pattern);
});

t.test('says a pattern as calendar events', async (t) => {
  const events = (pattern: string): string[] => calendarEvents(parsePattern(pattern), 'Europe/Berlin');
  t.strictSame(events('0 2 * * *'), ['*-*-* 02:00:00 Europe/Berlin']);
  t.strictSame(events('*/15 * * * *'), ['*-*-* *:00,15,30,45:00 Europe/Berlin']);
  t.strictSame(events('30 1-4,22 * 1,7 *'), ['*-01,07-* 01..04,22:30:00 Europe/Berlin']);
  t.strictSame(events('0 0 * * 1-5'), ['Mon,Tue,Wed,Thu,Fri *-*-* 00:00:00 Europe/Berlin']);
  t.strictSame(
    events('0 0 13 * fri'),
    ['*-*-13 00:00:00 Europe/Berlin', 'Fri *-*-* 00:00:00 Europe/Berlin'],
    'either day, as cron has it',
  );
});

t.test('systemd understands the events as they are meant', { skip: noSystemd }, async (t) => {
  const next = (event: string): string => {
    const args = ['calendar', '--base-time=2026-03-01 00:00:00 UTC', '--iterations=2', event];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    t.equal(status, 0, `${event} ${stderr}`);
    return stdout;
  };
  const [daily = ''] = calendarEvents(parsePattern('30 3 * * *'), 'Europe/Berlin');
  t.match(next(daily), /Sun 2026-03-01 02:30:00 UTC[\s\S]*Mon 2026-03-02 02:30:00 UTC/);
  const [byDate = '', byWeekday = ''] = calendarEvents(parsePattern('0 0 13 * mon'), 'UTC');
  t.match(next(byDate), /2026-03-13 00:00:00[\s\S]*2026-04-13 00:00:00/);
  t.match(next(byWeekday), /2026-03-02 00:00:00[\s\S]*2026-03-09 00:00:00/);
  const [quarters = ''] = calendarEvents(parsePattern('*/15 1-3 * * *'), 'UTC');
  t.match(next(quarters), /2026-03-01 01:00:00[\s\S]*2026-03-01 01:15:00/);
});

t.test('systemd takes the units, with odd characters in paths', { skip: noSystemd }, async (t) => {
  const folder = testFolder(t);
  const real = { ...call, program: [process.execPath, program] };
  const units = systemdUnits({ events: ['*-*-* 02:00:00 UTC'], call: real, system: true });
  const paths = await writeUnits(folder, units);
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  t.notMatch(stderr, /chs-backup/, 'nothing to say of them');
  t.equal(status, 0);
  t.match(units[SERVICE], 'Environment="CHS_DATA_DIR=/srv/$HOME data"\n');
  t.match(units[SERVICE], `--config "/etc/it's 100%%/chs.toml"\n`);
  t.match(units[TIMER], /^Persistent=true$/m);
});

t.test('replaces its own units alone', async (t) => {
  const folder = testFolder(t, { [TIMER]: '[Timer]\n' });
  const units = systemdUnits({ events: ['*-*-* 02:00:00 UTC'], call, system: false });
  await t.rejects(writeUnits(folder, units), { code: 'LOCAL_FILE', message: /somebody else wrote it/ });
  t.notOk(existsSync(join(folder, SERVICE)), 'neither of them is written');
  const own = join(folder, 'own');
  await writeUnits(own, units);
  await writeUnits(own, units);
  t.equal(readFileSync(join(own, TIMER), 'utf8'), units[TIMER]);
  t.strictSame(await removeUnits(own), [join(own, TIMER), join(own, SERVICE)]);
  t.strictSame(await removeUnits(own), []);
});

t.test('leaves the rest of a crontab byte for byte', async (t) => {
  const block = crontabBlock({ pattern: '0  2 * * *', timeZone: null, call });
  t.notMatch(block, /CRON_TZ/);
  const before = '# mine\r\nMAILTO=""\n\n5 * * * * echo 100\\%\n';
  const once = withBlock(before, block);
  t.equal(once, `${before}${block}\n`);
  t.equal(withBlock(once, block), once, 'twice is once');
  const zoned = crontabBlock({ pattern: '0 3 * * *', timeZone: 'Asia/Tokyo', call });
  t.match(zoned, /^CRON_TZ=Asia\/Tokyo$/m);
  const after = `${once}@daily mine\n`;
  t.equal(withBlock(after, zoned), `${before}@daily mine\n${zoned}\n`, 'a new one stands at the end');
  t.equal(withoutBlock(once), before);
  t.equal(withoutBlock(before), before);
  t.equal(withBlock('', block), `${block}\n`);
  const torn = `${block.split('\n')[0]}\nmine\n`;
  t.equal(withoutBlock(torn), torn, 'without its end nobody knows what is ours');
});

t.test('a line of crontab is what sh reads as it was meant', { skip: noShell }, async (t) => {
  const folder = testFolder(t);
  const script = join(folder, "it's 100% $HOME.sh");
  writeFileSync(script, '#!/bin/sh\necho "$CHS_DATA_DIR|$*"\n');
  const logFile = join(folder, 'log $(x)', 'backup.log');
  const command = crontabCommand({ ...call, program: ['/bin/sh', script], logFile });
  t.ok(command.length < COMMAND_CHARS_MAX);
  t.notMatch(command, /(^|[^\\])%/, 'cron ends the command at a bare %');
  // As cron hands it on.
  const { status } = spawnSync('/bin/sh', ['-c', command.replaceAll('\\%', '%')], { env: {} });
  t.equal(status, 0);
  const words = `--quiet --config /etc/it's 100%/chs.toml`;
  t.equal(
    readFileSync(logFile, 'utf8'),
    `/srv/$HOME data|backup create ${words}\n/srv/$HOME data|backup prune ${words}\n`,
  );
});

t.test('gives what another environment needs, and no secret', async (t) => {
  const home = testFolder(t);
  const env = {
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    CHS_BACKUP_TARGET: 'kept',
    CHS_BACKUP_COPY_TO: 's3://copies/chs',
    CHS_BACKUP_DATABASES: 'main=main.db,msg=/data/msg.db',
    CHS_BACKUP_BUSY_TIMEOUT: '2s',
    CHS_BACKUP_KEEP_DAYS: '7',
    CHS_BACKUP_TOKEN: 'secret-token',
    AWS_SECRET_ACCESS_KEY: 'secret-key',
    AWS_REGION: 'eu-central-1',
    CHS_SERVER_PORT: '1',
  };
  const loaded = await loadConfig({ cwd: home, env, home });
  const given = scheduledCall(loaded, env, ['/usr/bin/node', 'chs.cjs']);
  t.strictSame(given.missing.toSorted(), ['AWS_SECRET_ACCESS_KEY', 'CHS_BACKUP_TOKEN']);
  t.notMatch(JSON.stringify(given.environment), /secret-token|secret-key/);
  t.equal(given.environment.AWS_REGION, 'eu-central-1');
  const { CHS_BACKUP_COPY_TO: _, ...folders } = env;
  const inFolders = scheduledCall(await loadConfig({ cwd: home, env: folders, home }), folders, ['n', 'c']);
  t.strictSame(inFolders.missing, ['CHS_BACKUP_TOKEN'], 'where nothing goes to S3 its keys are of no use');
  t.strictSame(given.options, []);
  const again = await loadConfig({ cwd: '/', env: given.environment, home: '/' });
  const { token, ...rest } = loaded.config.backup;
  t.equal(token, 'secret-token');
  t.strictSame(again.config.backup, rest);
  t.equal(again.config.database.path, loaded.config.database.path);
  const withPassword = { HOME: home, CHS_BACKUP_DATABASES: 'app=postgres://u:hunter2@db/app' };
  const other = scheduledCall(await loadConfig({ cwd: home, env: withPassword, home }), withPassword, [
    'n',
    'c',
  ]);
  t.strictSame(other.missing, ['CHS_BACKUP_DATABASES']);
  t.notMatch(JSON.stringify(other), /hunter2/);
});

t.test('prints and installs a crontab', { skip: noShell }, async (t) => {
  const cwd = testFolder(t);
  // The crontab program, as far as it is used: the real one writes where only root may.
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'crontab'),
    `#!/bin/sh
case "$1" in
-l) [ -f "${cwd}/tab" ] || { echo "no crontab for you" >&2; exit 1; }; cat "${cwd}/tab" ;;
-) cat > "${cwd}/tab" ;;
esac
`,
  );
  chmodSync(join(bin, 'crontab'), 0o755);
  const env = { PATH: `${bin}:${process.env.PATH ?? ''}` };
  const chs = (...args: string[]) => runChs(['backup', 'cron', ...args], { cwd, env });
  const printed = await chs('--print', 'crontab', '--schedule', '15 4 * * *');
  t.match(printed, {
    code: 0,
    stdout: /^# BEGIN chs backup.*\n15 4 \* \* \* .*\n# END chs backup\n$/,
    stderr: '',
  });
  t.match(printed.stdout, `${process.execPath} ${program} backup create --quiet`);
  t.match(await chs('--uninstall', 'crontab'), { code: 0, stdout: /does not have it/ });
  writeFileSync(join(cwd, 'tab'), '# mine\n');
  t.match(await chs('--install', 'crontab'), { code: 0, stdout: /^installed/ });
  t.match(await chs('--install', 'crontab'), { code: 0, stdout: /has it already/ });
  t.match(
    readFileSync(join(cwd, 'tab'), 'utf8'),
    /^# mine\n# BEGIN chs backup.*\n0 2 \* \* \* .*\n# END chs backup\n$/,
  );
  t.match(await chs('--uninstall', 'crontab', '--json'), {
    stdout: '{"uninstalled":"crontab","changed":true}\n',
  });
  t.equal(readFileSync(join(cwd, 'tab'), 'utf8'), '# mine\n');
});

t.test('says what is wrong with a call', async (t) => {
  const cwd = testFolder(t);
  const chs = (...args: string[]) => runChs(['backup', 'cron', ...args], { cwd });
  t.match(await chs('--print', 'launchd'), { code: 64, stdout: '', stderr: /crontab, systemd/ });
  t.match(await chs('--print', 'systemd', '--schedule', '0 2 L * *'), {
    code: 64,
    stderr: /day of the month 'L'/,
  });
  t.match(await chs('--timezone', 'Mars/Olympus'), { code: 64, stderr: /no zone 'Mars\/Olympus'/ });
  t.match(await chs('--print', 'systemd', '--install', 'systemd'), {
    code: 64,
    stderr: /exclude each other/,
  });
  t.match(await chs('--server', 'http://127.0.0.1:1'), {
    code: 64,
    stderr: /--server names another machine/,
  });
  const zh = await chs('--lang', 'zh', '--print', 'systemd', '--install', 'systemd');
  t.match(zh, { code: 64, stderr: /不能同时使用/ });
});
