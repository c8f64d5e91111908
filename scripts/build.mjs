// Builds chs: checked JavaScript of everything into build/ (the tests run there), and the program
// into dist/, for start-up time: one file to read in place of some hundred, and its compiled code.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

for (const folder of ['build', 'dist']) rmSync(join(root, folder), { recursive: true, force: true });

execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', root], {
  cwd: root,
  stdio: 'inherit',
});

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  minifyIdentifiers: true,
  charset: 'ascii',
  legalComments: 'none',
  jsx: 'automatic',
  // Native addons stay outside; so does typescript, which cosmiconfig asks for only to read .ts files.
  external: ['better-sqlite3', 'better-sqlite3-napi', 'typescript'],
};

/** commander loads node:child_process for commands that are programs of their own; chs has none. */
const withoutChildProcess = {
  name: 'without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('commander') ? { path: 'child_process', namespace: 'on-demand' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'on-demand' }, () => ({
      contents: "module.exports = { spawn: (...args) => require('child_process').spawn(...args) };",
    }));
  },
};

await build({
  ...common,
  plugins: [withoutChildProcess],
  entryPoints: ['commands/main.ts'],
  outfile: 'dist/program.cjs',
  define: { CHS_VERSION: JSON.stringify(version), 'import.meta.url': 'chsModuleUrl' },
  banner: { js: "const chsModuleUrl = require('node:url').pathToFileURL(__filename).href;" },
});

await build({
  ...common,
  entryPoints: ['bin/chs.ts'],
  outfile: 'dist/chs.cjs',
  define: { CHS_VERSION: JSON.stringify(version) },
});
chmodSync(join(root, 'dist/chs.cjs'), 0o755);

// Runs a command once, in a place of its own, and keeps what V8 compiled for it.
const home = mkdtempSync(join(tmpdir(), 'chs-build-'));
try {
  execFileSync(process.execPath, [join(root, 'build/scripts/warm.js'), join(root, 'dist'), 'dump', 'list'], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, USERPROFILE: home, LOCALAPPDATA: home, APPDATA: home },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
} finally {
  rmSync(home, { recursive: true, force: true });
}
