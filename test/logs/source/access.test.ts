/** Which log files may be read: roots, links, patterns, and what must not be learned of the rest. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openAllowed, resolveAllowed } from '../../../src/logs/source/access.ts';
import { ChsError } from '../../../src/platform/errors.ts';

const isWindows = process.platform === 'win32';
const WINDOWS = isWindows && 'Windows has no such files';
const ROOT = process.getuid?.() === 0 && 'root may read everything';

async function folders(t: Test) {
  const base = await realpath(
    t.testdir({ in: { 'a.log': 'a\n', deep: { 'b.log': 'b\n' } }, out: { 'c.log': 'c\n' } }),
  );
  return { base, rules: { allowRoots: [join(base, 'in')], denyPatterns: [] } };
}

async function refusal(t: Test, work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (failure: unknown) => failure,
  );
  if (!(error instanceof ChsError)) {
    t.fail(`no ChsError: ${error}`);
    return '';
  }
  return `${error.code} ${error.params.reason}`;
}

const OUTSIDE = 'FILE_DENIED it lies outside of the allowed directories';

test('gives the real path of what lies below a root', async (t) => {
  const { base, rules } = await folders(t);
  t.equal(await resolveAllowed(join(base, 'in', 'deep', '..', 'a.log'), rules), join(base, 'in', 'a.log'));
  t.equal(await resolveAllowed(join(base, 'in'), rules), join(base, 'in'));
});

test('refuses what lies outside, there or not, in the same words', async (t) => {
  const { base, rules } = await folders(t);
  t.equal(await refusal(t, resolveAllowed(join(base, 'out', 'c.log'), rules)), OUTSIDE);
  t.equal(await refusal(t, resolveAllowed(join(base, 'out', 'none', 'x.log'), rules)), OUTSIDE);
  t.equal(await refusal(t, resolveAllowed(join(base, 'in', '..', 'out', 'c.log'), rules)), OUTSIDE);
  t.equal(
    await refusal(t, resolveAllowed(`${join(base, 'in')}-2`, rules)),
    OUTSIDE,
    'a name that begins alike',
  );
  t.equal(await refusal(t, resolveAllowed(`${join(base, 'in', 'a.log')}\0`, rules)), OUTSIDE);
  t.equal(await refusal(t, resolveAllowed('/', { allowRoots: [], denyPatterns: [] })), OUTSIDE);
});

test('says what is missing inside', async (t) => {
  const { base, rules } = await folders(t);
  const missing = 'IO_ERROR no such file or directory';
  t.equal(await refusal(t, resolveAllowed(join(base, 'in', 'none.log'), rules)), missing);
  t.equal(await refusal(t, resolveAllowed(join(base, 'in', 'a.log', 'x'), rules)), missing);
  t.equal(
    await refusal(t, resolveAllowed(join(base, 'nowhere'), { allowRoots: null, denyPatterns: [] })),
    missing,
  );
});

test('follows links before it decides, and tells nothing of where they lead', {
  skip: WINDOWS,
}, async (t) => {
  const { base, rules } = await folders(t);
  const link = (target: string, name: string) => symlinkSync(target, join(base, 'in', name));
  link('../out/c.log', 'escape.log');
  link('../out/none.log', 'dangling.log');
  link('none.log', 'inside-dangling.log');
  link('loop-b', 'loop-a');
  link('loop-a', 'loop-b');
  link('../out', 'folder');
  link('deep/b.log', 'fine.log');
  const resolved = (name: string) => resolveAllowed(join(base, 'in', name), rules);
  t.equal(await refusal(t, resolved('escape.log')), OUTSIDE);
  t.equal(await refusal(t, resolved('dangling.log')), OUTSIDE);
  t.equal(await refusal(t, resolved('folder/c.log')), OUTSIDE);
  t.equal(await refusal(t, resolved('folder/none.log')), OUTSIDE);
  t.equal(await refusal(t, resolved('inside-dangling.log')), 'IO_ERROR no such file or directory');
  t.equal(await refusal(t, resolved('loop-a')), 'IO_ERROR its symbolic links lead in a circle');
  t.equal(await resolved('fine.log'), join(base, 'in', 'deep', 'b.log'));
});

test('resolves the roots, too', { skip: WINDOWS }, async (t) => {
  const { base } = await folders(t);
  symlinkSync('in', join(base, 'logs'));
  const rules = { allowRoots: [join(base, 'logs')], denyPatterns: [] };
  t.equal(await resolveAllowed(join(base, 'logs', 'a.log'), rules), join(base, 'in', 'a.log'));
  t.equal(await resolveAllowed(join(base, 'in', 'a.log'), rules), join(base, 'in', 'a.log'));
});

test('denies by patterns: a name at any depth, a folder, the place that a link leads to', async (t) => {
  const { base } = await folders(t);
  if (!isWindows) symlinkSync('deep/b.log', join(base, 'in', 'harmless.log'));
  const denied = 'FILE_DENIED a pattern denies it';
  const withPatterns = (...denyPatterns: string[]) => ({ allowRoots: [base], denyPatterns });
  const b = join(base, 'in', 'deep', 'b.log');
  t.equal(await refusal(t, resolveAllowed(b, withPatterns('b.*'))), denied);
  t.equal(await refusal(t, resolveAllowed(b, withPatterns('d??p'))), denied, 'the name of a folder above');
  t.equal(await refusal(t, resolveAllowed(b, withPatterns('in/deep'))), denied, 'a part of the path');
  t.equal(await refusal(t, resolveAllowed(b, withPatterns(`${base.replaceAll('\\', '/')}/in/**`))), denied);
  t.equal(await resolveAllowed(b, withPatterns('*.key', 'out/**', '')), b);
  if (isWindows) return;
  t.equal(await refusal(t, resolveAllowed(join(base, 'in', 'harmless.log'), withPatterns('b.log'))), denied);
  t.equal(await refusal(t, resolveAllowed(join(base, 'in', 'harmless.log'), withPatterns('harm*'))), denied);
  writeFileSync(join(base, 'in', '.env'), 'SECRET=1');
  t.equal(
    await refusal(t, resolveAllowed(join(base, 'in', '.env'), withPatterns('*env'))),
    denied,
    'hidden names',
  );
});

test('opens regular files only, and waits for no FIFO', { skip: WINDOWS }, async (t) => {
  const { base, rules } = await folders(t);
  execFileSync('mkfifo', [join(base, 'in', 'pipe.log')]);
  mkdirSync(join(base, 'in', 'folder.log'));
  const notAFile = 'IO_ERROR it is not a regular file';
  t.equal(await refusal(t, openAllowed(join(base, 'in', 'pipe.log'), rules)), notAFile);
  t.equal(await refusal(t, openAllowed(join(base, 'in', 'folder.log'), rules)), notAFile);
  const everything = { allowRoots: null, denyPatterns: [] };
  t.equal(await refusal(t, openAllowed('/dev/zero', everything)), notAFile);
  const handle = await openAllowed(join(base, 'in', 'a.log'), rules);
  t.equal(await handle.readFile('utf8'), 'a\n');
  await handle.close();
});

test('says that permission is missing', { skip: WINDOWS || ROOT }, async (t) => {
  const { base, rules } = await folders(t);
  chmodSync(join(base, 'in', 'a.log'), 0);
  t.equal(await refusal(t, openAllowed(join(base, 'in', 'a.log'), rules)), 'IO_ERROR permission denied');
});

test('never opens what is outside while somebody swaps folders for links', { skip: WINDOWS }, async (t) => {
  const { base, rules } = await folders(t);
  writeFileSync(join(base, 'out', 'b.log'), 'SECRET\n');
  const swap = `
    const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
    process.chdir(${JSON.stringify(join(base, 'in'))});
    const until = Date.now() + 1500;
    while (Date.now() < until) {
      renameSync('deep', 'kept'); symlinkSync('../out', 'deep');
      unlinkSync('deep'); renameSync('kept', 'deep');
    }`;
  const { spawn } = await import('node:child_process');
  const swapper = spawn(process.execPath, ['-e', swap], { stdio: 'inherit' });
  const ended = new Promise((resolve) => swapper.on('exit', resolve));
  let isOver = false;
  ended.then(() => {
    isOver = true;
  });
  let opened = 0;
  while (!isOver) {
    const handle = await openAllowed(join(base, 'in', 'deep', 'b.log'), rules).catch(() => null);
    if (!handle) continue;
    opened += 1;
    const text = await handle.readFile('utf8');
    await handle.close();
    if (text !== 'b\n') t.fail(`read ${text}`);
  }
  t.ok(opened > 0, 'it was there now and then');
});
