/** Every damaged and malicious file of the shared fixtures through the upload routes, against its verdict. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { reach } from '../fixtures/chs.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { type Answer, ask, at, type FileKind, listAt, logOf, send, stored, textAt } from './wire.ts';

const folder = sharedFixtures('crash/hostile');
const skip = folder ? false : 'the shared fixtures are not here';

interface Row {
  readonly file: string;
  readonly kind: FileKind;
  readonly verdict: string;
  readonly expected: Record<string, unknown>;
}

function rowsOf(text: string): Row[] {
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.flatMap((line) => {
    const [file = '', , , kind = '', , verdict = '', , json = ''] = line.split('\t');
    if (kind !== 'minidump' && kind !== 'pdb' && kind !== 'exe') return [];
    return [{ file, kind, verdict, expected: json.trim() === '' ? {} : { ...JSON.parse(json) } }];
  });
}

/** What a reply shows of the fields that HOSTILE.tsv names. */
function shownFields(kind: FileKind, shown: Answer): Record<string, unknown> {
  const data = at(shown.body, 'data');
  const row = at(data, kind);
  return {
    exception_code: at(row, 'exception_code'),
    exception_address: at(row, 'exception_address'),
    pid: at(row, 'pid'),
    tid: at(row, 'tid'),
    guid: at(row, 'exe_guid'),
    age: at(row, 'exe_age'),
    version: at(row, 'exe_version'),
    module_name: at(data, 'details', 'modules', 0, 'name'),
    module_count: at(data, 'details', 'moduleCount'),
    thread_count: at(data, 'details', 'threadCount'),
    code_id: at(row, 'parsed', 'code_id'),
  };
}

for (const mode of ['embedded', 'daemon'] as const) {
  t.test(`hostile files are refused or stored as they should be (${mode})`, { skip }, async (t) => {
    const chs = await reach(t, mode);
    for (const { file, kind, verdict, expected } of rowsOf(
      readFileSync(join(folder ?? '', 'HOSTILE.tsv'), 'utf8'),
    )) {
      const before = stored(chs);
      const answer = await send(chs, kind, null, readFileSync(join(folder ?? '', file)), file);
      t.ok(answer.status < 500, `${file}: ${answer.status} ${JSON.stringify(at(answer.body, 'error'))}`);
      if (verdict === 'reject') t.not(answer.status, 200, `${file} is refused`);
      if (verdict === 'accept') t.equal(answer.status, 200, `${file} is taken`);
      if (answer.status !== 200) {
        t.same(stored(chs), before, `${file}: nothing is left`);
        t.type(at(answer.body, 'error'), 'string');
        continue;
      }
      const shown = await ask(chs, `/api/${kind}s/${textAt(answer, 'data', `${kind}_id`)}`);
      t.equal(shown.status, 200, file);
      // A name that was merely cut to length is no damage to warn about.
      if (verdict === 'either' && file !== 'dmp_name_64k.dmp') {
        const warnings = listAt(shown, 'data', kind, 'warnings');
        t.ok(warnings.length > 0 || Object.keys(expected).length > 0, `${file} is taken with a warning`);
      }
      const fields = shownFields(kind, shown);
      for (const [field, value] of Object.entries(expected))
        t.same(fields[field], value, `${file}: ${field}`);
      const download = await chs.fetch(`/download/${kind}/${textAt(answer, 'data', `${kind}_id`)}`);
      t.equal((await download.arrayBuffer()).byteLength, at(answer.body, 'data', 'size_bytes'), file);
    }
    const list = await ask(chs, '/list/minidumps?page_size=100');
    t.equal(at(list.body, 'data', 'total'), listAt(list, 'data', 'minidumps').length);
    for (const line of logOf(chs).trimEnd().split('\n'))
      t.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[[A-Z]+\] - /);
  });
}
