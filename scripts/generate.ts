/** Writes everything that is read off the tables: completions, manual pages, openapi.json, the sample configuration. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProgram } from '../commands/main.ts';
import { renderConfigReference, renderSample } from '../config/sample.ts';
import { openapiDocument } from '../daemon/openapi.ts';
import { accessOperations } from '../src/access/operations.ts';
import { backupOperations } from '../src/backup/operations.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { eventOperations } from '../src/events/operations.ts';
import { healthOperations } from '../src/health/operations.ts';
import { logOperations } from '../src/logs/operations.ts';
import { renderBash } from './generate/bash.ts';
import { renderFish } from './generate/fish.ts';
import { commandPages, configPage } from './generate/man.ts';
import { toRoff } from './generate/roff.ts';
import { commandTree } from './generate/tree.ts';
import { renderZsh } from './generate/zsh.ts';

/** The folders that hold nothing but generated files. */
const FOLDERS = ['completions', 'man'];

/** Every generated file: its path below the project's root and what it must hold. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const { version, date } = latestRelease(root);
  const tree = commandTree(await buildProgram());
  const pages = [...commandPages(tree), configPage(renderConfigReference())];
  const openapi = openapiDocument([
    crashOperations,
    logOperations,
    backupOperations,
    accessOperations,
    eventOperations,
    healthOperations,
  ]);
  return new Map([
    ['completions/chs.bash', renderBash(tree)],
    ['completions/_chs', renderZsh(tree)],
    ['completions/chs.fish', renderFish(tree)],
    ...pages.map(({ file, markdown }) => [`man/${file}`, toRoff(markdown, version, date)] as const),
    ['openapi.json', `${JSON.stringify(openapi, null, 2)}\n`],
    ['config/config.toml', renderSample()],
  ]);
}

/** The files that are missing, differ, or should not be there. */
export async function staleFiles(root: string): Promise<string[]> {
  const files = await generatedFiles(root);
  const wrong = [...files].filter(([path, text]) => read(join(root, path)) !== text).map(([path]) => path);
  const extra = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );
  return [...wrong, ...extra.filter((path) => !files.has(path))];
}

/** The newest entry of the change log: `## 1.2.3 - 2026-01-06`. */
function latestRelease(root: string): { version: string; date: string } {
  const entry = /^## (\d\S*) - (\d{4}-\d{2}-\d{2})$/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'));
  if (!entry) throw new Error('CHANGELOG.md has no line such as `## 1.2.3 - 2026-01-06`');
  return { version: entry[1] ?? '', date: entry[2] ?? '' };
}

async function write(root: string): Promise<void> {
  for (const folder of FOLDERS) rmSync(join(root, folder), { recursive: true, force: true });
  for (const [path, text] of await generatedFiles(root)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Compiled, this file is in build/scripts.
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  if (process.argv.includes('--check')) {
    const stale = await staleFiles(root);
    for (const path of stale) console.error(`stale: ${path}`);
    if (stale.length > 0) console.error('Run `npm run generate` and commit what it writes.');
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else await write(root);
}
