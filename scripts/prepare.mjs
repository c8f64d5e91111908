// Makes a fresh clone ready to run and to test. npm calls it after an installation, and again before the
// first `npx chs`: what has not changed since is not built twice.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** What the build leaves, of which a person may have removed any. */
const BUILT = ['dist/chs.cjs', 'dist/program.js', 'build/bin/chs.js'].map((path) => join(root, path));
const SOURCES = ['bin', 'src', 'commands', 'daemon', 'config', 'scripts', 'test', 'bench', 'tsconfig.json'];
/** The second is written by each installation. */
const PACKAGES = ['package.json', 'node_modules/.package-lock.json'];

if (!isFresh('build/stamp', [...SOURCES, ...PACKAGES]) || !BUILT.every((path) => existsSync(path)))
  run('scripts/build.mjs');

// The test runner is put together from the plugins that package.json names, inside of its own package.
const runnerStamp = 'node_modules/.test-runner-stamp';
if (!isFresh(runnerStamp, PACKAGES)) {
  run('node_modules/tap/dist/esm/run.mjs', 'build');
  writeFileSync(join(root, runnerStamp), process.version);
}

/** By the newest file or folder, as a file that goes away changes its folder; and by the Node.js that compiled. */
function isFresh(stampPath, paths) {
  const stamp = join(root, stampPath);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== process.version) return false;
  const stampMs = statSync(stamp).mtimeMs;
  return paths.every((path) => newestMs(join(root, path)) < stampMs);
}

function newestMs(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

function run(script, ...args) {
  execFileSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });
}
