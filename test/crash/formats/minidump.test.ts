/** Minidumps: real ones against their ground truth, damaged ones against their verdict, built ones for the rest. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { basename, join as joinPath } from 'node:path';
import t from 'tap';
import { type ByteSource, FormatError, parseBytes, parseSource } from '../../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../../src/crash/formats/minidump.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';
import { MUTATIONS, mutations, spansOf } from './damage.ts';
import { readManifest } from './manifest.ts';

// A guard against hanging that leaves room for CHS_MUTATIONS=100000.
t.setTimeout(300_000);

const parse = (bytes: Uint8Array): Minidump => parseBytes(bytes, parseMinidump(bytes.length));
const crash = sharedFixtures('crash');
const hostile = sharedFixtures('crash/hostile');
const windows = sharedFixtures('windows');
const skip = (folder: string | null) => (folder === null ? 'no shared fixtures on this machine' : false);

/** What the manifests state of a dump, taken from a parsed one, in their words. */
function stated(dump: Minidump) {
  const main = dump.modules[0];
  return {
    guid: main?.debugId?.guid ?? '',
    age: String(main?.debugId?.age ?? ''),
    version: main?.version ?? '',
    codeId: main?.codeId ?? '',
    code: dump.exception?.code ?? '',
    address: dump.exception?.address ?? '',
    tid: String(dump.crashingThreadId ?? ''),
    pid: String(dump.pid ?? ''),
    modules: String(dump.moduleCount ?? ''),
    threads: String(dump.threadCount ?? ''),
  };
}

t.test('says of every public dump what independent readers say', { skip: skip(crash) }, async (t) => {
  const rows = readManifest(joinPath(crash ?? '', 'MANIFEST.tsv')).filter(({ kind }) => kind === 'minidump');
  t.ok(rows.length >= 8);
  for (const row of rows) {
    const dump = parse(readFileSync(joinPath(crash ?? '', row.file)));
    const expected = {
      guid: row.cell('guid'),
      age: row.cell('cv_or_rsds_age'),
      version: row.cell('exe_version'),
      codeId: row.cell('pe_key'),
      code: row.cell('exception_code') === 'none' ? '' : row.cell('exception_code'),
      address: row.cell('exception_address'),
      tid: row.cell('crashing_tid'),
      pid: row.cell('pid'),
      modules: row.cell('modules'),
      threads: row.cell('threads'),
    };
    t.same(stated(dump), expected, row.file);
    const system = dump.os && dump.cpu;
    const osArch = system
      ? `0x${dump.os.platformId.toString(16)}/arch${dump.cpu.architectureId}/${dump.os.version}`
      : '/arch/';
    t.equal(osArch, row.cell('os_arch'), `${row.file}: os_arch`);
    t.equal(dump.threads.length, dump.threadCount ?? 0);
    t.equal(dump.modules.length, dump.moduleCount ?? 0);
    t.equal(dump.truncated, row.file === 'invalid-range.dmp', `${row.file}: whole`);
  }
});

t.test('refuses a text with the extension of a dump', { skip: skip(crash) }, async (t) => {
  const bytes = readFileSync(joinPath(crash ?? '', 'microdump-arm64.dmp'));
  t.throws(() => parse(bytes), { name: 'FormatError', format: 'minidump', offset: 0 });
});

t.test('reads annotations, assertions and thread names of public dumps', { skip: skip(crash) }, async (t) => {
  const read = (file: string): Minidump => parse(readFileSync(joinPath(crash ?? '', file)));

  const crashpad = read('simple-crashpad.dmp');
  t.equal(crashpad.annotations.hello, 'world');
  t.match(crashpad.os, { platform: 'macos', version: '10.15.7' });
  t.equal(crashpad.exception?.name, null, 'code 0 has no name');

  const parameter = read('invalid-parameter.dmp');
  t.same(parameter.assertion, {
    expression: 'format != nullptr',
    functionName: 'common_vfprintf',
    file: parameter.assertion?.file,
    line: 32,
    type: 1,
  });
  t.equal(parameter.exception?.name, 'INVALID_PARAMETER');
  t.equal(parameter.crashModule, null, 'address 0 is in no module');

  const named = read('thread_name_list.dmp');
  t.equal(named.threads.filter(({ name }) => name !== null).length, 3);

  const main = read('crash.dmp');
  t.match(main.exception, { name: 'ACCESS_VIOLATION', parameters: [/^0x[01]$/, /^0x/] });
  t.equal(main.crashModule, 0);
  t.equal(main.cpu?.architecture, 'x86');
  t.equal(read('tiny-exe-with-cet-xsave.dmp').unloadedModuleCount, 1);
});

t.test(
  'says of every dump built for the project what its debugger says',
  { skip: skip(windows) },
  async (t) => {
    const rows = readManifest(joinPath(windows ?? '', 'MANIFEST.tsv')).filter(({ kind }) => kind === 'dmp');
    t.ok(rows.length >= 8);
    for (const row of rows) {
      const dump = parse(readFileSync(joinPath(windows ?? '', row.file)));
      const expected = {
        guid: row.cell('guid'),
        age: row.cell('age'),
        version: row.cell('version'),
        codeId: row.cell('code_id'),
        code: row.cell('exc_code'),
        address: row.cell('exc_addr'),
        tid: row.cell('tid'),
        pid: row.cell('pid'),
        modules: row.cell('modules'),
        threads: row.cell('threads'),
      };
      t.same(stated(dump), expected, row.file);
      const names = /^streams ([^;]+)/.exec(row.cell('notes'))?.[1];
      t.equal(dump.streams.map(({ name }) => name).join(','), names, `${row.file}: streams`);
      const crashed = dump.crashModule === null ? null : dump.modules[dump.crashModule]?.name;
      t.equal(crashed?.split('\\').pop() ?? '', row.cell('crash_module'), `${row.file}: crash module`);
      t.match(dump.comment, /^crashme 1\.2\.3\.4/);
      t.equal(dump.truncated, false, `${row.file}: whole`);
    }
  },
);

t.test('gives every damaged or malicious dump its verdict', { skip: skip(hostile) }, async (t) => {
  const rows = readManifest(joinPath(hostile ?? '', 'HOSTILE.tsv')).filter(({ kind }) => kind === 'minidump');
  t.ok(rows.length >= 30);
  // A verdict of `either` is taken as accept: what is wrong in one place leaves the rest readable.
  for (const { file, cell } of rows) {
    const expectJson = cell('expect_json');
    const bytes = readFileSync(joinPath(hostile ?? '', file));
    if (cell('verdict') === 'reject') {
      t.throws(() => parse(bytes), { name: 'FormatError', format: 'minidump' }, file);
      continue;
    }
    const dump = parse(bytes);
    t.notMatch(JSON.stringify(dump), /\\u0000/, `${file}: no U+0000`);
    t.equal(Buffer.from(JSON.stringify(dump)).toString(), JSON.stringify(dump), `${file}: valid UTF-8`);
    if (!expectJson) continue;
    const main = dump.modules[0];
    const told: Record<string, unknown> = {
      exception_code: dump.exception?.code ?? null,
      exception_address: dump.exception?.address ?? null,
      pid: dump.pid,
      tid: dump.crashingThreadId,
      guid: main?.debugId?.guid ?? null,
      age: main?.debugId?.age ?? null,
      module_name: main?.name ?? null,
      version: main?.version ?? null,
      module_count: dump.moduleCount,
      thread_count: dump.threadCount,
    };
    t.same(told, JSON.parse(expectJson), file);
  }
});

t.test('keeps its limits on hostile dumps', { skip: skip(hostile) }, async (t) => {
  const read = (file: string): Minidump => parse(readFileSync(joinPath(hostile ?? '', file)));

  const crowd = read('dmp_60000_modules.dmp');
  t.equal(crowd.moduleCount, 60_000);
  t.equal(crowd.modules.length, 4096);
  t.ok(crowd.warnings.some((sentence) => sentence.includes('4096 of 60000')));

  const half = read('dmp_truncated_half.dmp');
  t.equal(half.truncated, true);
  t.ok(half.warnings.some((sentence) => sentence.includes('truncated')));

  t.match(read('dmp_modules_4g.dmp'), { moduleCount: null, modules: [], pid: 32 });
  t.equal(read('dmp_exception_params_4g.dmp').exception?.parameters.length, 15);
  t.equal(read('dmp_exception_address_max.dmp').crashModule, null);
  t.equal(read('dmp_timestamp_max.dmp').crashedAt, 0xffffffff);
  t.equal(read('dmp_name_64k.dmp').modules[0]?.name?.length, 1024);
  t.equal(read('dmp_cv_zero_guid.dmp').modules[0]?.debugId, null);
  t.match(read('dmp_name_crlf.dmp').modules[0]?.name, /\r\n/, 'line breaks are data');
  t.equal(read('dmp_name_rva_self.dmp').modules[0]?.name, null);
  t.match(read('dmp_bad_version.dmp').warnings, [/format version 0x0000/]);

  const nothing = { exception: null, pid: null, os: null, crashingThreadId: null, moduleCount: null };
  t.match(read('dmp_streams_zero.dmp'), nothing);
  t.match(read('dmp_streams_overlap_header.dmp'), {
    exception: null,
    pid: null,
    moduleCount: null,
    threadCount: null,
  });
});

/** The error, if any, that is not a FormatError, or a note that a parse took more than a second. */
function misbehaviour(bytes: Uint8Array): string | null {
  const start = performance.now();
  try {
    parse(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) return String(error);
  }
  const elapsedMs = performance.now() - start;
  return elapsedMs > 1000 ? `took ${elapsedMs} ms` : null;
}

const realDumps = [
  ...(crash === null ? [] : readdirSync(crash).map((name) => joinPath(crash, name))),
  ...(windows === null ? [] : [joinPath(windows, '1.2.3.4-r1', 'av.dmp')]),
].filter((path) => path.endsWith('.dmp'));

t.test('survives every truncation of real dumps', { skip: skip(windows) }, async (t) => {
  for (const path of realDumps) {
    const bytes = readFileSync(path);
    const step = bytes.length <= 20_000 ? 1 : 37;
    const wrong: string[] = [];
    for (let length = 0; length < bytes.length; length += step) {
      const problem = misbehaviour(bytes.subarray(0, length));
      if (problem) wrong.push(`${length}: ${problem}`);
    }
    t.same(wrong, [], basename(path));
  }
});

t.test('survives random changes of real dumps', { skip: skip(windows) }, async (t) => {
  const sources = [
    joinPath(windows ?? '', '1.2.3.4-r1', 'av.dmp'),
    ...(crash === null ? [] : [joinPath(crash, 'simple-crashpad.dmp')]),
  ];
  for (const [seed, path] of sources.entries()) {
    const original = readFileSync(path);
    const wrong: string[] = [];
    let round = 0;
    for (const { bytes, sizeBytes } of mutations(
      original,
      spansOf(original, parseMinidump),
      MUTATIONS,
      seed,
    )) {
      const problem = misbehaviour(bytes.subarray(0, sizeBytes));
      if (problem) wrong.push(`${round}: ${problem}`);
      round += 1;
    }
    t.same(wrong, [], `${basename(path)}: ${round} changes`);
  }
});

t.test('reads the same through a file as from memory', { skip: skip(windows) }, async (t) => {
  for (const path of realDumps.filter((path) => !path.includes('microdump'))) {
    const bytes = readFileSync(path);
    const handle = openSync(path, 'r');
    const source: ByteSource = {
      sizeBytes: bytes.length,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        readSync(handle, into, 0, length, offset);
        return into;
      },
    };
    t.same(await parseSource(source, parseMinidump(bytes.length)), parse(bytes), basename(path));
    closeSync(handle);
  }
});
