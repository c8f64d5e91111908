// What the bundled program has in place of some of its modules, so that a command starts fast.
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Parts of Node.js that are slow to load, and that most commands never call. */
const ON_DEMAND = ['child_process', 'crypto', 'http', 'https', 'net', 'zlib'];

/** Loads them when something in them is first used, not when a file that might use it is loaded. */
export const onDemand = {
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
const MADE_AT_BUILD = /[/\\]config[/\\](defaults|keys)\.ts$/;

/** Puts their values, as JSON, in their place. What the compiler made of them is in `root`/build. */
export const madeAtBuild = (root) => ({
  name: 'made-at-build',
  setup({ onLoad }) {
    onLoad({ filter: MADE_AT_BUILD }, async ({ path }) => {
      const compiled = join(root, 'build', relative(root, path).replace(/\.ts$/, '.js'));
      const values = Object.entries(await import(pathToFileURL(compiled).href));
      return {
        contents: values.map(([name, value]) => `export const ${name} = ${literal(value)};`).join('\n'),
      };
    });
  },
});

function literal(value) {
  if (value instanceof Map) return `new Map(${literal([...value])})`;
  if (typeof value === 'function') throw new Error('only plain values can be made at build');
  // Of a text this long, JSON.parse is the fastest reader.
  return typeof value === 'string'
    ? JSON.stringify(value)
    : `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;
}

/** Packages that most commands never need: each a file of its own, not read before it is asked for. */
export const APART = [
  '@aws-sdk/client-s3',
  '@hono/node-server',
  'archiver',
  'busboy',
  'cosmiconfig',
  'picomatch',
  'pino',
  'prom-client',
  'smol-toml',
  'string-width',
];

/** Modules of ours that bring in much and that few commands need: each with all of it a file of its own. */
export const OWN_APART = [
  'src/backup/backup.ts',
  'src/logs/logs.ts',
  'src/mcp/sdk.ts',
  'commands/views/browse/app.tsx',
];

/** `src/mcp/sdk.ts` as `mcp-sdk.cjs`. What draws is a module proper, as Ink waits while it is loaded. */
export const ownFileNameOf = (path) =>
  `${path
    .replace(/\.tsx?$/, '')
    .split('/')
    .slice(-2)
    .join('-')}.${path.endsWith('x') ? 'mjs' : 'cjs'}`;

export const ownApart = {
  name: 'own-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\.tsx?$/ }, ({ path, resolveDir, kind }) => {
      const full = join(resolveDir, path).replaceAll('\\', '/');
      const own = OWN_APART.find((name) => full.endsWith(`/${name}`));
      // What is asked for first is the file itself.
      return own && kind !== 'entry-point' ? { path: `./${ownFileNameOf(own)}`, external: true } : undefined;
    });
  },
};

/** What our own modules in files of their own take of zod: two megabytes of memory, were it there a second time. */
const ZOD_SHARED = [
  'array',
  'boolean',
  'enum',
  'int',
  'literal',
  'looseObject',
  'number',
  'object',
  'record',
  'string',
];

/** The program, which gives them away as `zod`. */
export const programEntry = `import * as z from 'zod';
  export { main } from './commands/main.ts';
  export const zod = { ${ZOD_SHARED.map((name) => `${name}: z.${name}`).join(', ')} };`;

/** A file of its own has the program's zod. Whoever needs more of it is told by the build. */
export const sharedZod = {
  name: 'shared-zod',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^zod$/ }, ({ path, importer }) =>
      importer.includes('node_modules') ? undefined : { path, namespace: 'shared-zod' },
    );
    onLoad({ filter: /.*/, namespace: 'shared-zod' }, () => ({
      contents: [
        "const { zod } = require('./program.js');",
        ...ZOD_SHARED.map((name) => `const shared_${name} = zod.${name};`),
        `export { ${ZOD_SHARED.map((name) => `shared_${name} as ${name}`).join(', ')} };`,
      ].join('\n'),
    }));
    onResolve({ filter: /.*/, namespace: 'shared-zod' }, ({ path }) => ({ path, external: true }));
  },
};

export const fileNameOf = (name) => `${name.replace('@', '').replace('/', '-')}.cjs`;

export const apart = {
  name: 'apart',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${APART.join('|')})$`) }, ({ path }) => ({ path, namespace: 'apart' }));
    onLoad({ filter: /.*/, namespace: 'apart' }, async ({ path }) => {
      // As a module with the package's own names: what a CommonJS file exports as `default` would be hidden in it.
      const names = Object.keys(await import(path)).filter(
        (name) => /^\w+$/.test(name) && name !== 'default',
      );
      return {
        contents: [
          `const loaded = require('./${fileNameOf(path)}');`,
          ...names.map((name) => `export const ${name} = loaded.${name};`),
          'export default loaded.__esModule ? loaded.default : loaded;',
        ].join('\n'),
      };
    });
    onResolve({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({ path, external: true }));
  },
};

/** Ink asks for them while it is loaded, and uses them only where a developer wants to look into it. */
export const noDevtools = {
  name: 'no-devtools',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'no-devtools' }));
    onLoad({ filter: /.*/, namespace: 'no-devtools' }, () => ({ contents: 'export default {};' }));
  },
};

/** All modules of the bundle are in one place, so what each would make for itself is the bundle's own `require`. */
export const ownRequire = {
  name: 'own-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, () => ({ path: 'module', namespace: 'own-require' }));
    onLoad({ filter: /.*/, namespace: 'own-require' }, () => ({
      contents: 'exports.createRequire = () => require;',
    }));
  },
};
