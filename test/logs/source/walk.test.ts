/** Finding log files in directories: links, globs, limits, and what is no file. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type Test, test } from 'tap';
import { type FindOptions, findFiles } from '../../../src/logs/source/walk.ts';

const isWindows = process.platform === 'win32';
const WINDOWS = isWindows && 'Windows has no such files';
const ROOT = process.getuid?.() === 0 && 'root may read everything';
const everything = { allowRoots: null, denyPatterns: [] };

async function found(base: string, options: Partial<FindOptions> = {}, roots = [base]) {
  const { files, notices } = await findFiles(roots, { globs: [], rules: everything, ...options });
  return {
    names: files.map(({ path }) => relative(base, path).replaceAll('\\', '/')),
    codes: notices.map(({ code }) => code),
    files,
  };
}

const folderOf = (t: Test, content: Parameters<Test['testdir']>[0]) => realpathSync(t.testdir(content));

test('finds every file in the order of the paths, empty and hidden ones too, but nothing of git', async (t) => {
  const base = folderOf(t, {
    'b.log': 'b',
    'a.log': '',
    '.hidden.log': 'h',
    c: { d: { 'e.log': 'e' }, '.git': { config: 'x' }, node_modules: { 'n.log': 'n' } },
  });
  const { names, codes, files } = await found(base);
  t.same(names, ['.hidden.log', 'a.log', 'b.log', 'c/d/e.log', 'c/node_modules/n.log']);
  t.same(codes, []);
  t.equal(files[1]?.sizeBytes, 0);
  t.ok(files[2] && files[2].mtimeMs > 0 && files[2].inode !== '' && files[2].device !== '');
});

test('takes globs for the path below the root and for the name', async (t) => {
  const base = folderOf(t, {
    'a.log': '',
    'a.txt': '',
    x: { 'b.log': '', y: { 'c.log': '', '.d.log': '' } },
  });
  const names = async (...globs: string[]) => (await found(base, { globs })).names;
  t.same(await names('*.log'), ['a.log', 'x/b.log', 'x/y/.d.log', 'x/y/c.log']);
  t.same(await names('x/*.log'), ['x/b.log']);
  t.same(await names('x/**'), ['x/b.log', 'x/y/.d.log', 'x/y/c.log']);
  t.same(await names('*.{txt,md}', 'c.*'), ['a.txt', 'x/y/c.log']);
  t.same(await names('*.log', '!c.log'), ['a.log', 'x/b.log', 'x/y/.d.log']);
  t.same(await names('./a.log'), ['a.log']);
  t.same(await names('none'), []);
});

test('takes a file that is named, whatever the globs say, and each file once', async (t) => {
  const base = folderOf(t, { 'a.log': 'a', x: { 'b.txt': 'b' } });
  const roots = [join(base, 'x', 'b.txt'), base, join(base, 'x')];
  t.same((await found(base, { globs: ['*.log'] }, roots)).names, ['a.log', 'x/b.txt']);
});

test('follows links inside of the roots, each folder and file once', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, { in: { real: { 'a.log': 'a' } }, out: { 'secret.log': 's' } });
  const link = (target: string, name: string) => symlinkSync(target, join(base, 'in', name));
  link('real', 'again');
  link('.', 'loop');
  link('..', 'real/up');
  link('real/a.log', 'same.log');
  link('../out', 'outside');
  link('../out/secret.log', 'outside.log');
  link('nothing', 'dangling.log');
  link('self', 'self');
  const rules = { allowRoots: [join(base, 'in')], denyPatterns: [] };
  const { names, codes } = await found(base, { rules }, [join(base, 'in')]);
  t.same(names, ['in/real/a.log']);
  t.ok(codes.length >= 3 && codes.every((code) => /^(LINK_OUTSIDE|UNREADABLE)$/.test(code)), codes.join());
});

test('gives what a link leads to that lies elsewhere among the allowed', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, { in: { 'a.log': 'a' }, other: { 'b.log': 'b', c: { 'd.log': 'd' } } });
  symlinkSync('../other', join(base, 'in', 'more'));
  const rules = { allowRoots: [base], denyPatterns: [] };
  t.same((await found(base, { rules }, [join(base, 'in')])).names, [
    'in/a.log',
    'other/b.log',
    'other/c/d.log',
  ]);
  const globs = ['more/c/*'];
  t.same((await found(base, { rules, globs }, [join(base, 'in')])).names, ['other/c/d.log']);
});

test('stays in the named directory where everything is allowed', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, { in: { 'a.log': 'a' }, other: { 'b.log': 'b' } });
  symlinkSync('../other', join(base, 'in', 'more'));
  const { names, codes } = await found(base, {}, [join(base, 'in')]);
  t.same(names, ['in/a.log']);
  t.same(codes, ['LINK_OUTSIDE']);
  t.same((await found(base, {}, [join(base, 'in'), join(base, 'other')])).names, ['in/a.log', 'other/b.log']);
});

test('leaves out what patterns deny', async (t) => {
  const base = folderOf(t, { 'a.log': '', 'key.pem': '', secret: { 'b.log': '' } });
  const rules = { allowRoots: null, denyPatterns: ['*.pem', 'secret'] };
  t.same((await found(base, { rules })).names, ['a.log']);
});

test('says of links that lead in a circle that they do', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, { in: { 'a.log': 'a' }, out: {} });
  const folder = join(base, 'in');
  symlinkSync('two.log', join(folder, 'one.log'));
  symlinkSync('one.log', join(folder, 'two.log'));
  symlinkSync('self', join(base, 'out', 'self'));
  symlinkSync('../out/self', join(folder, 'other.log'));
  for (const allowRoots of [null, [folder]]) {
    const { files, notices } = await findFiles([folder], {
      globs: [],
      rules: { allowRoots, denyPatterns: [] },
    });
    t.equal(files.length, 1);
    t.same(
      notices.map(({ file, code }) => [basename(file ?? ''), code]),
      [
        ['one.log', 'UNREADABLE'],
        ['other.log', 'LINK_OUTSIDE'],
        ['two.log', 'UNREADABLE'],
      ],
    );
    t.match(notices[0], { message: /circle/ });
  }
});

test('opens no FIFO and no device', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, { 'a.log': '' });
  execFileSync('mkfifo', [join(base, 'pipe.log')]);
  symlinkSync('/dev/zero', join(base, 'zero.log'));
  t.same((await found(base)).names, ['a.log']);
  await t.rejects(found(base, {}, [join(base, 'pipe.log')]), { code: 'IO_ERROR' });
  await t.rejects(found(base, {}, ['/dev/null']), { code: 'IO_ERROR' });
});

test('refuses roots that are missing or outside', async (t) => {
  const base = folderOf(t, { in: {} });
  await t.rejects(found(base, {}, [join(base, 'none')]), { code: 'IO_ERROR' });
  const rules = { allowRoots: [join(base, 'in')], denyPatterns: [] };
  await t.rejects(found(base, { rules }, [base]), { code: 'FILE_DENIED' });
});

test('stops at its limits, and says so', async (t) => {
  const base = folderOf(t, {
    a: { '1': '', '2': '', '3': '' },
    b: { '4': '' },
    d: { e: { f: { g: { deep: '' } } } },
  });
  const few = await found(base, { filesMax: 2 });
  t.same(few.names, ['a/1', 'a/2']);
  t.same(few.codes, ['TOO_MANY_FILES']);
  const all = await found(base, { filesMax: 5 });
  t.same(all.codes, [], 'exactly as many as there may be');
  const flat = await found(base, { depthMax: 2 });
  t.same(flat.names, ['a/1', 'a/2', 'a/3', 'b/4']);
  t.same(flat.codes, ['TOO_DEEP']);
});

test('is stopped by its signal', async (t) => {
  const base = folderOf(t, { 'a.log': '' });
  await t.rejects(found(base, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' });
});

test('takes names of all kinds', { skip: WINDOWS }, async (t) => {
  const base = folderOf(t, {});
  const names = ['[x].log', 'a\nb.log', 'é 日志.log', '{a,b}.log', '*.log', '-rf.log', '\'"$(x).log'];
  for (const name of names) writeFileSync(join(base, name), 'x');
  t.same(new Set((await found(base)).names), new Set(names));
  t.same(new Set((await found(base, { globs: ['*.log'] })).names), new Set(names));
});

test('goes on past a folder that it may not read', {
  skip: WINDOWS || ROOT,
}, async (t) => {
  const base = folderOf(t, { 'a.log': '', closed: { 'b.log': '' } });
  chmodSync(join(base, 'closed'), 0);
  t.teardown(() => chmodSync(join(base, 'closed'), 0o700));
  const { names, codes } = await found(base);
  t.same(names, ['a.log']);
  t.same(codes, ['UNREADABLE']);
});

test('walks through thousands of files and folders', async (t) => {
  const base = folderOf(t, {});
  for (let folder = 0; folder < 100; folder += 1) {
    mkdirSync(join(base, `d${folder}`));
    for (let file = 0; file < 50; file += 1) writeFileSync(join(base, `d${folder}`, `${file}.log`), '');
  }
  const { names } = await found(base);
  t.equal(names.length, 5000);
  t.same(names, [...names].sort());
});
