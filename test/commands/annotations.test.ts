/** Annotations from the command line: sent, listed by, shown, on the local data directory and on a daemon. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { showMinidump } from '../../commands/views/minidump.ts';
import { createStyle } from '../../commands/views/style.ts';
import { unversionedDump } from '../daemon/submission-bodies.ts';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

t.setTimeout(300_000);

for (const mode of modes) {
  t.test(`sends annotations, lists by them and shows them (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    writeFileSync(join(cwd, 'game.dmp'), unversionedDump({ ptype: 'gpu' }));
    const long = 'y'.repeat(3000);
    const given = ['user=ada', 'query=a=b&c', `notes=${long}`, 'esc=\u001b[2Jx\r\ny', 'name=崩溃'];
    const flags = given.flatMap((text) => ['--annotation', text]);
    const sent = await chs('dump', 'upload', 'game.dmp', ...flags, '--json');
    t.equal(sent.code, 0, sent.stderr);
    const [reply] = jsonLines(sent.stdout);
    await chs('dump', 'upload', example('av.dmp'), '--annotation', 'user=bob');

    const listed = async (filter: string) =>
      jsonLines((await chs('dump', 'list', '--annotation', filter, '--json')).stdout)[0];
    t.match(await listed('user'), { total: 2 });
    t.match(await listed('user=ada'), { total: 1, minidumps: [{ id: String(reply?.minidump_id) }] });
    t.match(await listed('query=a=b&c'), { total: 1 });
    t.match(await listed('ptype=gpu'), { total: 1 });
    t.match(await chs('dump', 'list', '--annotation', 'user=eve'), {
      code: 0,
      stdout: '',
      stderr: /No minidumps match/,
    });

    const shown = await chs('dump', 'show', String(reply?.minidump_id));
    t.match(shown.stdout, /\nAnnotations \(5\) {2}sent beside the dump\n/);
    t.match(shown.stdout, /\nuser +ada\n/);
    t.match(shown.stdout, /\nesc + \[2Jx {2}y\n/, 'no control characters');
    t.match(shown.stdout, /\nAnnotations \(1\) {2}written into the dump\nptype +gpu\n/);
    const json = jsonLines((await chs('dump', 'show', String(reply?.minidump_id), '--json')).stdout)[0];
    t.match(json, {
      annotations: [
        {},
        {},
        { name: 'notes', value: long, source: 'client' },
        {},
        {},
        { name: 'ptype', source: 'dump' },
      ],
    });
    const local = await chs('dump', 'show', 'game.dmp');
    t.match(local.stdout, /\nAnnotations \(1\) {2}written into the dump\nptype +gpu\n/);
  });
}

t.test('an annotation without a value is wrong usage', async (t) => {
  const answer = await runChs(['dump', 'upload', 'x.dmp', '--annotation', 'user'], { cwd: testFolder(t) });
  t.match(answer, { code: 64, stderr: /expected NAME=VALUE/ });
});

t.test('long values are cut on a terminal, and whole with --all', async (t) => {
  const value = 'z'.repeat(1000);
  const shown = async (all: boolean) => {
    const lines: string[] = [];
    const out = { style: createStyle(false), columns: 40, line: (text = '') => void lines.push(text) };
    const annotations = [{ name: 'notes', value, source: 'client' as const }];
    const dump = { facts: [], identity: {}, parsed: null, annotations, warnings: [] };
    await showMinidump(out as unknown as Parameters<typeof showMinidump>[0], dump, all);
    return lines.find((line) => line.startsWith('notes')) ?? '';
  };
  t.ok((await shown(false)).length <= 80);
  t.match(await shown(false), /z…$/);
  t.match(await shown(true), value);
});
