// Builds chs: checked JavaScript of everything into build/ (the tests run there), and the program
// into dist/, for start-up time: one file to read in place of some hundred, and its compiled code.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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
  // Native addons and what looks for them stay outside; so does typescript, which cosmiconfig asks for only to read .ts files.
  external: ['bindings', 'better-sqlite3-napi', 'typescript'],
};

/** Parts of Node.js that are slow to load, and that most commands never call. */
const ON_DEMAND = ['child_process', 'crypto', 'http', 'https', 'net', 'zlib'];

/** Loads them when something in them is first used, not when a file that might use it is loaded. */
const onDemand = {
  name: 'on-demand',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(node:)?(${ON_DEMAND.join('|')})$`);
    onResolve({ filter, namespace: 'file' }, ({ path }) => ({
      path: path.replace('node:', ''),
      namespace: 'on-demand',
    }));
    onLoad({ filter: /.*/, namespace: 'on-demand' }, ({ path }) => ({
      contents: `const get = (name) => ({ enumerable: true, get: () => require('node:${path}')[name] });
        for (const name of ${JSON.stringify(Object.keys(createRequire(import.meta.url)(`node:${path}`)))})
          Object.defineProperty(exports, name, get(name));`,
    }));
  },
};

/** Modules whose values are always the same, and take longer to make than a command should take to start. */
const MADE_AT_BUILD = ['config/defaults', 'config/keys'];

/** Puts their values, as JSON, in their place. */
const madeAtBuild = {
  name: 'made-at-build',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`[/\\\\](${MADE_AT_BUILD.join('|')})\\.ts$`) }, async ({ path }) => {
      const compiled = join(root, 'build', relative(root, path).replace(/\.ts$/, '.js'));
      const values = Object.entries(await import(pathToFileURL(compiled).href));
      return {
        contents: values.map(([name, value]) => `export const ${name} = ${literal(value)};`).join('\n'),
      };
    });
  },
};

function literal(value) {
  if (value instanceof Map) return `new Map(${literal([...value])})`;
  if (typeof value === 'function') throw new Error('only plain values can be made at build');
  // Of a text this long, JSON.parse is the fastest reader.
  return typeof value === 'string'
    ? JSON.stringify(value)
    : `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;
}

/** Packages that most commands never need: each a file of its own, not read before it is asked for. */
const APART = ['@hono/node-server', 'busboy', 'cosmiconfig', 'pino', 'smol-toml', 'string-width'];

const fileNameOf = (name) => `${name.replace('@', '').replace('/', '-')}.cjs`;

const apart = {
  name: 'apart',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${APART.join('|')})$`) }, ({ path }) => ({ path, namespace: 'apart' }));
    onLoad({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require('./${fileNameOf(path)}');`,
    }));
    onResolve({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({ path, external: true }));
  },
};

/** All modules of the bundle are in one place, so what each would make for itself is the bundle's own `require`. */
const ownRequire = {
  name: 'own-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, () => ({ path: 'module', namespace: 'own-require' }));
    onLoad({ filter: /.*/, namespace: 'own-require' }, () => ({
      contents: 'exports.createRequire = () => require;',
    }));
  },
};

/** Where a module is, for those who ask. */
const moduleUrl = {
  define: { 'import.meta.url': 'chsModule.url' },
  banner: {
    js: "const chsModule = { get url() { return require('node:url').pathToFileURL(__filename).href; } };",
  },
};

for (const name of APART) {
  await build({ ...common, ...moduleUrl, entryPoints: [name], outfile: `dist/${fileNameOf(name)}` });
}

const { outputFiles } = await build({
  ...common,
  plugins: [apart, onDemand, ownRequire, madeAtBuild],
  entryPoints: ['commands/main.ts'],
  ...moduleUrl,
  define: { ...moduleUrl.define, CHS_VERSION: JSON.stringify(version) },
  write: false,
});

// See bin/bundle.ts: what is left of `import()` is what a person's own configuration needs.
const program = outputFiles[0].text.replace(/\bimport\(/g, 'importModule(');
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
