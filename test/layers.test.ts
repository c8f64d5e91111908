/** The arrows between the layers are enforced: an import against one fails the linter. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { projectRoot } from './fixtures/shared.ts';

const biome = join(projectRoot, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

/** The project's own rules, for a tree of a test's own. */
function copyRules(folder: string): void {
  for (const path of ['biome.json', 'scripts/lint'])
    cpSync(join(projectRoot, path), join(folder, path), { recursive: true });
}

/**
 * Lints files with one import each, in a tree of the test's own with the project's rules.
 *
 * @returns the places where the import was refused
 */
function refused(
  folder: string,
  imports: readonly (readonly [place: string, specifier: string])[],
): string[] {
  const places = imports.map(([place, specifier], index) => {
    // Several imports are tried at one place: each gets a folder that stands for the project's root.
    const path = join(folder, `case-${index}`, place);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `import { thing } from '${specifier}';\n\nexport const same = thing;\n`);
    copyRules(join(folder, `case-${index}`));
    const args = [biome, 'lint', '--colors=off', '--vcs-enabled=false', '--reporter=github', place];
    const { stdout } = spawnSync(process.execPath, args, {
      cwd: join(folder, `case-${index}`),
      encoding: 'utf8',
    });
    return stdout.includes('noRestrictedImports') ? `${place} <- ${specifier}` : null;
  });
  return places.filter((place) => place !== null);
}

const forbidden: readonly (readonly [place: string, specifier: string])[] = [
  ['src/platform/x.ts', '../crash/crash.ts'],
  ['src/platform/x.ts', 'hono'],
  ['config/x.ts', '../src/platform/errors.ts'],
  ['src/crash/x.ts', '../backends/open.ts'],
  ['src/crash/x.ts', '../access/tokens.ts'],
  ['src/crash/formats/x.ts', '../../health/health.ts'],
  ['src/events/x.ts', '../crash/store.ts'],
  ['src/logs/x.ts', '../crash/store.ts'],
  ['src/logs/search/x.ts', '../../crash/signature.ts'],
  ['src/crash/x.ts', '../logs/timeline.ts'],
  ['src/backends/sql/x.ts', '../../logs/report.ts'],
  ['src/backends/sql/x.ts', '../../logs/search/plan.ts'],
  ['daemon/x.ts', '../src/logs/report.ts'],
  ['src/backup/x.ts', '../crash/store.ts'],
  ['src/backup/x.ts', '../backends/fs/backup-target.ts'],
  ['src/backup/worker/x.ts', 'better-sqlite3'],
  ['src/crash/x.ts', '../backup/target.ts'],
  ['src/backends/s3/x.ts', '../../backup/backup.ts'],
  ['daemon/x.ts', '../src/backup/backup.ts'],
  ['commands/x.ts', '../src/backup/backup.ts'],
  ['src/mcp/x.ts', '../backup/operations.ts'],
  ['src/mcp/x.ts', '../logs/report.ts'],
  ['src/mcp/x.ts', '../connect.ts'],
  ['src/mcp/x.ts', 'hono'],
  ['src/backends/sql/x.ts', '../../events/feed.ts'],
  ['daemon/x.ts', '../src/events/feed.ts'],
  ['src/crash/x.ts', 'hono'],
  ['src/crash/x.ts', 'commander'],
  ['src/crash/x.ts', 'kysely'],
  ['src/access/x.ts', '../../config/schema.ts'],
  ['src/backends/sql/x.ts', '../../crash/crash.ts'],
  ['src/backends/sql/x.ts', '../../crash/intake/kind.ts'],
  ['src/backends/sqlite/x.ts', '../../../daemon/app.ts'],
  ['src/operation.ts', './crash/operations.ts'],
  ['src/connect.ts', './compose.ts'],
  ['src/compose.ts', '../daemon/app.ts'],
  ['daemon/x.ts', '../commands/run.ts'],
  ['daemon/x.ts', '../src/backends/open.ts'],
  ['daemon/x.ts', '../src/crash/crash.ts'],
  ['daemon/receive/x.ts', '../../src/crash/intake/kind.ts'],
  ['commands/x.ts', '../daemon/app.ts'],
  ['commands/x.ts', '../src/compose.ts'],
  ['commands/x.ts', '../src/backends/sqlite/driver.ts'],
  ['commands/views/x.ts', '../../daemon/serve.ts'],
  ['commands/connect.ts', '../daemon/app.ts'],
  ['commands/serve.ts', '../daemon/app.ts'],
];

const allowed: readonly (readonly [place: string, specifier: string])[] = [
  ['src/platform/x.ts', './errors.ts'],
  ['src/crash/x.ts', '../platform/errors.ts'],
  ['src/crash/intake/x.ts', '../../operation.ts'],
  ['src/backends/sql/x.ts', '../../crash/store.ts'],
  ['src/backends/sql/x.ts', '../../events/store.ts'],
  ['src/compose.ts', './backends/open.ts'],
  ['daemon/x.ts', '../src/compose.ts'],
  ['daemon/x.ts', '../src/crash/operations.ts'],
  ['commands/x.ts', '../src/crash/operations.ts'],
  ['src/mcp/render/x.ts', '../../logs/patterns/miner.ts'],
  ['daemon/x.ts', '../src/mcp/server.ts'],
  ['commands/x.ts', '../src/crash/inspect.ts'],
  ['commands/connect.ts', '../daemon/embedded.ts'],
  ['commands/serve.ts', '../daemon/serve.ts'],
];

const named = (imports: typeof forbidden): string[] =>
  imports.map(([place, specifier]) => `${place} <- ${specifier}`);

t.test('an import against the layers is refused', async (t) => {
  t.same(refused(t.testdir(), forbidden), named(forbidden));
});

t.test('an import along the layers is fine', async (t) => {
  t.same(refused(t.testdir(), allowed), []);
});

/** Lines of a file that opens things, each with whether that is refused. */
const opening: readonly (readonly [line: string, isRefused: boolean])[] = [
  ['await readFile(own.database);', true],
  ['fs.createReadStream(config.database.path);', true],
  ["fs.openSync(path + '-wal', flags);", true],
  ["await fs.promises.copyFile(source.path, '/tmp/copy');", true],
  ['await readFile(path);', false],
  ['await stat(own.database);', false],
];

t.test('whatever opens a live database but SQLite is refused', async (t) => {
  const folder = t.testdir({ src: {} });
  copyRules(folder);
  writeFileSync(join(folder, 'src/x.ts'), opening.map(([line]) => line).join('\n'));
  const args = [biome, 'lint', '--colors=off', '--vcs-enabled=false', '--reporter=github', 'src/x.ts'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const refusedLines = [...stdout.matchAll(/title=plugin,file=[^,]*x\.ts,line=(\d+)/g)].map(([, line]) =>
    Number(line),
  );
  const expected = opening.flatMap(([, isRefused], index) => (isRefused ? [index + 1] : []));
  t.same(refusedLines, expected, stdout);
});
