// Builds chs: checked JavaScript of everything into build/ (the tests run there), and the bundled
// program into dist/. Bundling is for start-up time: one file to read in place of some hundred.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
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

await build({
  absWorkingDir: root,
  entryPoints: ['bin/chs.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  jsx: 'automatic',
  define: { CHS_VERSION: JSON.stringify(version) },
  // Native addons stay outside; so does typescript, which cosmiconfig asks for only to read .ts files.
  external: ['better-sqlite3', 'better-sqlite3-napi', 'typescript'],
  banner: {
    js: "import { createRequire as chsCreateRequire } from 'node:module'; const require = chsCreateRequire(import.meta.url);",
  },
});

chmodSync(join(root, 'dist/chs.js'), 0o755);
