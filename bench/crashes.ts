/** A store of 200,000 dumps and 20,000 PDBs: the questions that look at all of it, and a PDB that arrives late. */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { openDatabase } from '../src/backends/open.ts';
import { loadDriver } from '../src/backends/sqlite/driver.ts';
import { projectRoot } from '../test/fixtures/shared.ts';
import { BENCH_KEY, startServer } from './child.ts';
import { get, send } from './client.ts';
import { type Figure, type Outcome, percentile, timed, withTemporaryFolder } from './measure.ts';

const DUMPS = 200_000;
const BUILDS = 20_000;
/** Modules of the operating system, of which each dump lists some. */
const SYSTEM_MODULES = 2_000;
const MODULES_A_DUMP = 30;
const SIGNATURES = 3_000;
const NEWEST_MS = Date.now();
const YEAR_MS = 365 * 86_400_000;
const SAMPLES = 15;
const WANTED_MS = 1_000;

/** The build whose PDB is missing: that of the example crash, in a tenth of all dumps. */
const LATE = { guid: '54A340A4D444CC374C4C44205044422E', age: 1, pdb: 'crashme.pdb' };

const questions: Readonly<Record<string, (n: number) => string>> = {
  top: () => '/list/signatures?limit=20',
  'top of 90 days': (n) =>
    `/list/signatures?limit=20&start_time=${new Date(NEWEST_MS - 90 * 86_400_000 - n).toISOString()}`,
  wanted: (n) => `/list/wanted?limit=${100 + n}`,
  'wanted, the system’s too': (n) => `/list/wanted?system=true&limit=${100 + n}`,
  'list of debuggable dumps': (n) => `/list/minidumps?debuggable=true&page_size=${50 + n}`,
  'list of the others': (n) => `/list/minidumps?debuggable=false&page_size=${50 + n}`,
};

export async function measure(): Promise<Outcome> {
  return withTemporaryFolder(async (folder) => {
    const path = join(folder, 'data', 'crash_handler.db');
    await (await openDatabase({ path, busyTimeoutMs: 5000 })).close();
    fill(path);
    const daemon = await startServer('daemon', folder);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (route: string): Promise<number> =>
      timed(() => get(`${daemon.url}${route}`, BENCH_KEY, agent));
    const health: number[] = [];
    const spent = new Map<string, number[]>(Object.keys(questions).map((name) => [name, []]));
    for (let n = 0; n < SAMPLES; n += 1) {
      health.push(await ask('/health'));
      for (const [name, routeOf] of Object.entries(questions)) spent.get(name)?.push(await ask(routeOf(n)));
    }
    spent.set('a PDB that 20,000 dumps wait for', [await timed(() => uploadLate(daemon.url, agent))]);
    const plans: number[] = [];
    for (const limits of PLANS) plans.push(await timed(() => planOf(daemon.url, agent, limits)));
    spent.set('plan of a retention', plans);
    agent.destroy();
    await daemon.stop();

    const peer = { name: 'GET /health, p50', value: percentile(health, 0.5) };
    const wanted = { of: 'chs', comparison: '<', bound: WANTED_MS } as const;
    const figures = [...spent].map(
      ([name, samplesMs]): Figure => ({ name, unit: 'ms', chs: percentile(samplesMs, 0.99), peer, wanted }),
    );
    const notes = [
      `${DUMPS} dumps of ${MODULES_A_DUMP} modules each, ${BUILDS} builds with PDB and EXE, ${SIGNATURES} signatures, one year`,
      `the slowest of ${SAMPLES} requests each, one at a time; the upload once`,
    ];
    return { figures, notes };
  });
}

/** Little, most and nearly all of the store; by age and by size. */
const PLANS = [{ max_age: '360d' }, { max_age: '90d' }, { max_size: '100GB' }, { max_size: '1' }] as const;

async function planOf(url: string, agent: Agent, limits: Readonly<Record<string, string>>): Promise<void> {
  const body = Buffer.from(JSON.stringify({ plan: true, ...limits }));
  const { status } = await send(`${url}/prune`, {
    method: 'POST',
    key: BENCH_KEY,
    body: { contentType: 'application/json', lengthBytes: body.length, pieces: [body] },
    agent,
  });
  if (status !== 200) throw new Error(`the plan gave ${status}`);
}

async function uploadLate(url: string, agent: Agent): Promise<void> {
  const bytes = await readFile(join(projectRoot, 'examples', 'crashme', LATE.pdb));
  const { text } = await send(`${url}/upload/pdb?pdb_filename=${LATE.pdb}`, {
    method: 'POST',
    key: BENCH_KEY,
    body: { contentType: 'application/octet-stream', lengthBytes: bytes.length, pieces: [bytes] },
    agent,
  });
  const { data } = JSON.parse(text) as { data: { newly_debuggable: number } };
  if (data.newly_debuggable !== DUMPS / 10)
    throw new Error(`it made ${data.newly_debuggable} dumps debuggable`);
}

/** Rows as uploads would have written them; spread by multiplication with primes, so that no order helps a query. */
function fill(path: string): void {
  const database = new (loadDriver())(path);
  database.pragma('synchronous = off');
  const numbers = (count: number): string =>
    `with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})`;
  const guid = (n: string): string => `iif(${n} = 0, '${LATE.guid}', printf('%032X', ${n}))`;
  const build = `iif(n % 10 = 0, 0, 1 + (n * 7919) % ${BUILDS - 1})`;
  const version = (n: string): string => `'1.' || (${n} / 100) || '.' || (${n} % 100) || '.0'`;
  const crashedMs = `${NEWEST_MS} - (n * 7368787) % ${YEAR_MS}`;
  const arrivedMs = `${NEWEST_MS - YEAR_MS} + n * ${Math.floor(YEAR_MS / DUMPS)}`;
  const iso = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%SZ', (${ms}) / 1000, 'unixepoch')`;
  const sha = (kind: string): string => `printf('${kind}%062x', n)`;
  database.exec(`
    begin;
    insert into modules ${numbers(BUILDS)}
      select n + 1, 'build ' || n, 'app' || (n % 7) || '.exe', 'app' || (n % 7) || '.pdb', ${guid('n')}, 1,
        n + 1000, 4096 * (1 + n % 50), ${version('n')}, 0, n > 0, 1, 0, 0, ${NEWEST_MS - YEAR_MS}, ${NEWEST_MS}
      from numbers;
    insert into modules ${numbers(SYSTEM_MODULES)}
      select ${BUILDS} + n + 1, 'system ' || n, 'sys' || n || '.dll', 'sys' || n || '.pdb', printf('F%031X', n), 1,
        n + 9000000, 65536, '10.0.' || n || '.0', 1, 0, 0, 0, 0, ${NEWEST_MS - YEAR_MS}, ${NEWEST_MS}
      from numbers;
    insert into minidumps (id, timestamp, exe_version, exe_guid, exe_age, pid, tid, exception_code, file_path,
        created_at, timestamp_ms, exe_name, guid_key, parsed_guid_key, parsed_age, state, size_bytes, sha256,
        warnings, serial, created_ms, signature, key_module_id)
      ${numbers(DUMPS)}
      select printf('%08x-bbbb-4ccc-8ddd-%012x', (n * 2654435761) % 4294967296, n), ${iso(crashedMs)},
        ${version(build)}, ${guid(build)}, 1, n % 65536, n % 9973, '0xC0000005',
        './storage/minidumps/1/' || n || '.dmp', ${iso(arrivedMs)}, ${crashedMs}, 'app' || (${build} % 7) || '.exe',
        ${guid(build)}, ${guid(build)}, 1, 'verified', 20000 + n % 100000, ${sha('a')}, '[]', n + 1, ${arrivedMs},
        '0xC0000005 app.exe+0x' || printf('%X', ((n * 31337) % ${SIGNATURES}) * ((n * 31337) % ${SIGNATURES}) / ${SIGNATURES}),
        1 + ${build}
      from numbers;
    insert into minidump_modules select serial, key_module_id from minidumps;
    insert or ignore into minidump_modules ${numbers(MODULES_A_DUMP - 1)}
      select serial, ${BUILDS} + 1 + (serial * 131 + n * n * 67) % ${SYSTEM_MODULES} from minidumps, numbers
      order by serial;
    update modules set
      dump_count = (select count(*) from minidump_modules where module_id = modules.id),
      key_count = (select count(*) from minidumps where key_module_id = modules.id);
    insert into pdbs (id, exe_version, exe_guid, exe_age, pdb_filename, file_path, uploaded_at, uploaded_ms, format,
        guid_key, parsed_guid_key, parsed_age, state, size_bytes, sha256, warnings)
      ${numbers(BUILDS)}
      select 'pdb-' || n, ${version('n')}, ${guid('n')}, 1, 'app' || (n % 7) || '.pdb', './storage/pdbs/1/' || n || '.pdb',
        ${iso(`${NEWEST_MS - YEAR_MS} + n * ${Math.floor(YEAR_MS / BUILDS)}`)}, ${NEWEST_MS - YEAR_MS} + n * ${Math.floor(YEAR_MS / BUILDS)},
        'msf', ${guid('n')}, ${guid('n')}, 1, 'verified', 5000000, ${sha('b')}, '[]'
      from numbers where n > 0;
    insert into exes (id, exe_version, exe_guid, exe_age, exe_filename, file_path, uploaded_at, uploaded_ms,
        time_date_stamp, size_of_image, guid_key, parsed_guid_key, parsed_age, state, size_bytes, sha256, warnings)
      ${numbers(BUILDS)}
      select 'exe-' || n, ${version('n')}, ${guid('n')}, 1, 'app' || (n % 7) || '.exe', './storage/exes/1/' || n || '.exe',
        ${iso(`${NEWEST_MS - YEAR_MS} + n * ${Math.floor(YEAR_MS / BUILDS)}`)}, ${NEWEST_MS - YEAR_MS} + n * ${Math.floor(YEAR_MS / BUILDS)},
        n + 1000, 4096 * (1 + n % 50), ${guid('n')}, ${guid('n')}, 1, 'verified', 1000000, ${sha('c')}, '[]'
      from numbers;
    insert into exe_debug_ids select id, guid_key, 1 from exes;
    commit;`);
  database.close();
}
