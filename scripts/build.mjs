// Builds chs: checked JavaScript of everything into build/ (the tests run there), and the program
// into dist/, for start-up time: one file to read in place of some hundred, and its compiled code.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  APART,
  apart,
  fileNameOf,
  madeAtBuild,
  noDevtools,
  OWN_APART,
  onDemand,
  ownApart,
  ownFileNameOf,
  ownRequire,
  programEntry,
  sharedZod,
} from './bundle/plugins.mjs';

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
  // Native addons and what looks for them stay outside; so does typescript, which cosmiconfig asks for only to read .ts files.
  external: ['bindings', 'better-sqlite3-napi', 'piscina', 're2', 'typescript'],
};

/** Where a module is, for those who ask. */
const moduleUrl = {
  define: { 'import.meta.url': 'chsModule.url' },
  banner: {
    js: "const chsModule = { get url() { return require('node:url').pathToFileURL(__filename).href; } };",
  },
};

/** A file that is a module, for packages that wait while they are loaded, with what CommonJS packages in it ask for. */
const moduleProper = {
  format: 'esm',
  plugins: [noDevtools],
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
};

for (const name of APART) {
  await build({ ...common, ...moduleUrl, entryPoints: [name], outfile: `dist/${fileNameOf(name)}` });
}

/** What runs in a thread of its own starts from a file of its own. */
const SCAN_WORKER = 'scan-worker.cjs';
const scanWorker = { CHS_SCAN_WORKER: JSON.stringify(`./${SCAN_WORKER}`) };

/** So does what runs in a process of its own; it stays small, as all that it loads is memory. */
const BACKUP_WORKER = 'backup-worker.cjs';
const backupWorker = { CHS_BACKUP_WORKER: JSON.stringify(`./${BACKUP_WORKER}`) };

/** Our own modules, with what the bundle has in place of some of theirs. */
const ours = {
  ...moduleUrl,
  plugins: [apart, ownApart, onDemand, ownRequire, madeAtBuild(root)],
  define: { ...moduleUrl.define, ...scanWorker, ...backupWorker, CHS_VERSION: JSON.stringify(version) },
};

for (const path of OWN_APART) {
  await build({
    ...common,
    ...(path.endsWith('x') ? moduleProper : { ...ours, plugins: [sharedZod, ...ours.plugins] }),
    logOverride: { 'import-is-undefined': 'error' },
    entryPoints: [path],
    outfile: `dist/${ownFileNameOf(path)}`,
  });
}

await build({
  ...common,
  ...moduleUrl,
  entryPoints: ['src/logs/search/worker.ts'],
  outfile: `dist/${SCAN_WORKER}`,
});

await build({
  ...common,
  ...moduleUrl,
  plugins: [ownRequire],
  entryPoints: ['src/backends/sqlite/backup-worker/main.ts'],
  outfile: `dist/${BACKUP_WORKER}`,
});

const { outputFiles } = await build({
  ...common,
  ...ours,
  stdin: { contents: programEntry, resolveDir: root },
  write: false,
});

// What is CommonJS needs no loader of modules, which takes long to start. See bin/bundle.ts: what is left of
// `import()` is what a person's own configuration and Ink need.
const program = outputFiles[0].text
  .replace(/\bimport\(("\.\/[\w-]+\.cjs")\)/g, 'Promise.resolve().then(()=>require($1))')
  .replace(/\bimport\(/g, 'importModule(');
writeFileSync(
  join(root, 'dist/program.js'),
  `(function (exports, require, module, __filename, __dirname, importModule) {${program}\n})`,
);

await build({
  ...common,
  entryPoints: ['bin/chs.ts'],
  // The branch that asks for it is the one of the unbundled program.
  logOverride: { 'empty-import-meta': 'silent' },
  outfile: 'dist/chs.cjs',
  define: { CHS_VERSION: JSON.stringify(version) },
});
chmodSync(join(root, 'dist/chs.cjs'), 0o755);

// Runs a command once, in a place of its own, and keeps what V8 compiled for it.
const home = mkdtempSync(join(tmpdir(), 'chs-build-'));
try {
  execFileSync(
    process.execPath,
    [join(root, 'build/scripts/warm.js'), join(root, 'dist'), 'dump', 'list', '--quiet'],
    {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, USERPROFILE: home, LOCALAPPDATA: home, APPDATA: home },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}
// Last: what was built only in part has no stamp. prepare.mjs looks at it.
writeFileSync(join(root, 'build/stamp'), process.version);
