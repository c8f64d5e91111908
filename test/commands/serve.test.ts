/** `chs serve` and the commands that say beforehand whether it would start. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { jsonLines, runChs } from './run-chs.ts';

const skip = process.platform === 'win32' && 'Windows has no such signals';
const LOG_OFF = '[logging]\nstdout = false\nfile = "server.log"\n';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

t.test('a reload that fails is said on stderr and in the log', { skip }, async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': LOG_OFF });
  const log = (): string => {
    const path = join(cwd, 'server.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const { code, stderr } = await runChs(['serve', '--port', '0', '--json'], {
    cwd,
    started: async (kill, stdout) => {
      await once(stdout, 'data');
      writeFileSync(join(cwd, 'chs.config.toml'), `${LOG_OFF}level = "loud"\n`);
      kill('SIGHUP');
      await until(() => /not reloaded/.test(log()));
      kill('SIGTERM');
    },
  });
  t.equal(code, 0);
  t.match(stderr, /the configuration was not reloaded: .*logging\.level/s);
  t.match(log(), /\[ERROR\] - Configuration not reloaded: .*logging\.level/);
});

t.test('SIGUSR1 opens no debugger', { skip }, async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': LOG_OFF });
  const { code, stderr } = await runChs(['serve', '--port', '0', '--json'], {
    cwd,
    started: async (kill, stdout) => {
      await once(stdout, 'data');
      kill('SIGUSR1');
      kill('SIGHUP');
      await until(() => readFileSync(join(cwd, 'server.log'), 'utf8').includes('reloaded'));
      kill('SIGTERM');
    },
  });
  t.equal(code, 0);
  t.notMatch(stderr, /Debugger listening/);
});

t.test('config check and doctor warn of what serve would refuse', async (t) => {
  for (const [server, reason] of [
    ['host = "0.0.0.0"', 'no API key is configured'],
    ['host = "0.0.0.0"\napi_key = "your-secret-api-key"', 'server.api_key is the key from the documentation'],
  ] as const) {
    const cwd = testFolder(t, { 'chs.config.toml': `[server]\n${server}\n` });
    const served = await runChs(['serve', '--port', '0'], { cwd });
    t.match(served, { code: 2, stderr: reason });
    const checked = await runChs(['config', 'check', '--json'], { cwd });
    t.match(jsonLines(checked.stdout), [{ valid: true, warnings: [reason] }]);
    const doctor = await runChs(['doctor'], { cwd });
    t.match(doctor.stdout, new RegExp(`^warning +listening: .*${reason}`, 'm'));
    t.equal(doctor.code, 0);
  }
  const cwd = testFolder(t, { 'chs.config.toml': '[server]\nhost = "::1"\n' });
  t.match(jsonLines((await runChs(['config', 'check', '--json'], { cwd })).stdout), [{ warnings: [] }]);
});

t.test('a host with a port in it is refused, an IPv6 address is not', async (t) => {
  for (const [host, valid] of [
    ['127.0.0.1:80', false],
    ['localhost:80', false],
    ['example.org', true],
    ['::', true],
    ['fe80::1%eth0', true],
  ] as const) {
    const key = 'api_key = "a-key-0123456789"';
    const cwd = testFolder(t, { 'chs.config.toml': `[server]\nhost = "${host}"\n${key}\n` });
    t.match(jsonLines((await runChs(['config', 'check', '--json'], { cwd })).stdout), [{ valid }], host);
  }
});

t.test('says where backups are given out', { skip }, async (t) => {
  const config = `${LOG_OFF}[backup]\nlisten = "127.0.0.1:0"\n`;
  const { code, stdout } = await runChs(['serve', '--port', '0', '--json'], {
    cwd: testFolder(t, { 'chs.config.toml': config }),
    started: async (kill, stdout) => {
      await once(stdout, 'data');
      kill('SIGTERM');
    },
  });
  t.equal(code, 0);
  t.match(jsonLines(stdout)[0], { backup_url: /^http:\/\/127\.0\.0\.1:\d+\/backupdb$/ });
});
