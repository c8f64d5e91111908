/** The order of files, and conditions on JSON numbers that JavaScript cannot hold. */
import t from 'tap';
import { parseCondition, valueAt } from '../../../src/logs/search/json-conditions.ts';
import { inOrder } from '../../../src/logs/search/snapshot.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';

function file(path: string, familyId: string | null, sequence: number, epochMs: number | null): LogFile {
  return {
    path,
    sizeBytes: 1,
    mtimeMs: 0,
    identity: { device: '1', inode: path, headHash: '', headBytes: 0 },
    compression: 'none',
    encoding: 'utf-8',
    bomBytes: 0,
    needsConvert: false,
    familyId,
    sequence,
    mode: 'text',
    times: { formats: [], zone: 'UTC', anchors: [], timeField: null },
    timestampExamples: [],
    jsonTimeFieldConfidence: 0,
    firstEvent: epochMs === null ? null : { offset: 0, epochMs },
    zoneSource: null,
  };
}

t.test('a family without times is read oldest first, whatever stands between by name', async (t) => {
  const files = [
    file('/l/app.log', 'f', 3, null),
    file('/l/app.log-x', null, 0, null),
    file('/l/app.log.-', null, 0, null),
    file('/l/app.log.1', 'f', 2, null),
    file('/l/app.log.10', 'f', 0, null),
    file('/l/app.log.2', 'f', 1, null),
  ];
  const family = ['/l/app.log.10', '/l/app.log.2', '/l/app.log.1', '/l/app.log'];
  const wanted = [...family, '/l/app.log-x', '/l/app.log.-'];
  for (let turn = 0; turn < files.length; turn += 1) {
    const turned = [...files.slice(turn), ...files.slice(0, turn)];
    t.same(
      inOrder(turned).map(({ path }) => path),
      wanted,
      `turn ${turn}`,
    );
  }
});

t.test('files come by their first event', async (t) => {
  const files = [file('/l/a', null, 0, 300), file('/l/b', null, 0, 100), file('/l/c', null, 0, null)];
  t.same(
    inOrder(files).map(({ path }) => path),
    ['/l/b', '/l/a', '/l/c'],
  );
});

function holds(condition: string, line: string): boolean {
  const { path, test } = parseCondition(condition, 'json_path_must', true);
  return test(valueAt(JSON.parse(line), path), line);
}

t.test('JSON numbers are equal as they are written where JavaScript would round them', async (t) => {
  const line = '{"id":1234567890123456789,"a":{"v":1,"e":1.5e3},"list":[9007199254740993]}';
  t.ok(holds('id=1234567890123456789', line));
  t.notOk(holds('id=1234567890123456800', line));
  t.ok(holds('id!=1234567890123456800', line));
  t.ok(holds('a.v=1', line));
  t.ok(holds('a.v=1.0', line));
  t.ok(holds('a.e=1500', line));
  t.ok(holds('a.e>=1500', line));
  t.notOk(holds('a.none=1', line));
  t.ok(holds('a.none!=1', line));
  t.notOk(holds('s>=0', '{"s":""}'), 'an empty text is no number');
});
