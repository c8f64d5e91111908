/** What the store of annotations must do on every SQL database. */
import type { Test } from 'tap';
import type { Annotation } from '../../src/crash/annotation-store.ts';
import type { CrashStore } from '../../src/crash/store.ts';
import { chance, minidumpRow } from './rows.ts';

type Open = (t: Test) => Promise<CrashStore>;

const client = (name: string, value = ''): Annotation => ({ name, value, source: 'client' });
const dump = (name: string, value = ''): Annotation => ({ name, value, source: 'dump' });
const bounds = { maxCount: 5, maxBytes: 100 };

/** @param open an empty store */
export function annotationConformance(t: Test, open: Open): void {
  t.test('writes annotations with their dump, and lets them go with it', async (t) => {
    const store = await open(t);
    const row = minidumpRow();
    const given = [
      dump('a', 'in\0side'),
      client('b', '崩溃 🦀'),
      client('a', 'x'.repeat(5000)),
      client('a', 'again'),
    ];
    await store.addMinidump(row, '{}', { annotations: given });
    const kept = [client('a', 'x'.repeat(5000)), client('b', '崩溃 🦀'), dump('a', 'in\ufffdside')];
    t.same(await store.annotationsOf(row.id), kept, 'the first of one name and source');
    const same = minidumpRow({ sha256: row.sha256 });
    await store.addMinidump(same, '{}', { annotations: [client('c')] });
    t.same(await store.annotationsOf(same.id), [], 'a row that was not added has none');
    t.same(await store.annotationsOf(row.id), kept);
    await store.remove('minidumps', row.id, 0);
    t.same(await store.annotationsOf(row.id), []);
    t.equal(await store.addAnnotations(row.id, [client('late')], bounds), 0);
    t.same(await store.annotationsOf(row.id), [], 'a dump that is gone gets none');
  });

  t.test('adds annotations of new names, within bounds for each source', async (t) => {
    const store = await open(t);
    const row = minidumpRow();
    await store.addMinidump(row, '{}', { annotations: [client('a', '1'), dump('a', '2')] });
    const more = ['a', 'b', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => client(name, 'new'));
    t.equal(await store.addAnnotations(row.id, [...more, dump('b', 'new')], bounds), 2);
    const names = (await store.annotationsOf(row.id)).map(
      ({ source, name, value }) => `${source} ${name}=${value}`,
    );
    t.same(names, [
      'client a=1',
      'client b=new',
      'client c=new',
      'client d=new',
      'client e=new',
      'dump a=2',
      'dump b=new',
    ]);
    t.equal(
      await store.addAnnotations(row.id, [dump('long', 'x'.repeat(95))], bounds),
      1,
      'bytes are bounded, too',
    );
    const many = Array.from({ length: 1000 }, (_, index) => client(`n${index}`, `v${index}`));
    const other = minidumpRow();
    await store.addMinidump(other, '{}', { annotations: many });
    t.equal((await store.annotationsOf(other.id)).length, 1000);
  });

  t.test('lists by annotation as a plain filter would, few or many', async (t) => {
    const store = await open(t);
    const random = chance(47);
    const rows = Array.from({ length: 1100 }, (_, index) => ({
      row: minidumpRow({ timestamp_ms: index * 1000, exe_version: index % 3 === 0 ? '1.0' : '2.0' }),
      own: [
        client('all', 'yes'),
        dump('all', 'also'),
        ...(random() < 0.01 ? [client('rare', `needle ${index % 2}`)] : []),
        client('long', `${'x'.repeat(300)}${index % 4}`),
      ],
    }));
    for (const { row, own } of rows) await store.addMinidump(row, '{}', { annotations: own });
    const page = { offset: 7, limit: 5 };
    for (const annotation of [
      { name: 'all', value: null },
      { name: 'all', value: 'also' },
      { name: 'rare', value: null },
      { name: 'rare', value: 'needle 1' },
      { name: 'long', value: `${'x'.repeat(300)}2` },
      { name: 'long', value: 'x'.repeat(300) },
      { name: 'none', value: null },
    ]) {
      for (const filter of [
        {},
        { version: '1.0' },
        { startMs: 200_000, endMs: 800_000 },
        { text: 'NEEDLE' },
      ]) {
        const { rows: found, total } = await store.listMinidumps({ ...filter, annotation }, page);
        const expected = rows.filter(({ row, own }) => {
          const {
            version = row.exe_version,
            startMs = 0,
            endMs = Number.POSITIVE_INFINITY,
            text = '',
          } = filter as {
            version?: string;
            startMs?: number;
            endMs?: number;
            text?: string;
          };
          return (
            own.some(
              ({ name, value }) => name === annotation.name && (annotation.value ?? value) === value,
            ) &&
            row.exe_version === version &&
            row.timestamp_ms >= startMs &&
            row.timestamp_ms <= endMs &&
            (text === '' || own.some(({ value }) => value.includes('needle')))
          );
        });
        const about = JSON.stringify({ annotation: [annotation.name, annotation.value?.slice(-3)], filter });
        t.equal(total, expected.length, `total of ${about}`);
        const ids = expected.reverse().slice(7, 12);
        t.same(
          found.map(({ id }) => id),
          ids.map(({ row }) => row.id),
          `rows of ${about}`,
        );
      }
    }
  });
}
