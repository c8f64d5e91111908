/** The clients of the documents, as they call: Python's requests, curl, the monitoring script. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { crashme, runningDaemon, testConfig } from '../fixtures/chs.ts';
import { projectRoot } from '../fixtures/shared.ts';

const run = promisify(execFile);
const examples = join(projectRoot, 'examples', 'crashme');

/** Uploads as the documents' sample does: JSON metadata without a file name, then the file. */
const PYTHON_CLIENT = `
import json, sys
import requests

kind, path, metadata, server_url, api_key = sys.argv[1:]
with open(path, 'rb') as file:
    files = {
        'metadata': (None, metadata, 'application/json'),
        kind: (json.loads(metadata).get(kind + '_filename', 'crash.dmp'), file, 'application/octet-stream'),
    }
    response = requests.post(f"{server_url}/upload/{kind}", files=files, headers={'X-API-Key': api_key})
    print(response.status_code)
    print(response.text)
`;

import { testFolder } from '../fixtures/folder.ts';

/** The documented key, which a server accepts on loopback. */
const KEY = 'your-secret-api-key';
const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';

function pythonWithRequests(): string | null {
  const found = ['/usr/bin/python3', 'python3'].find(
    (program) => spawnSync(program, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0,
  );
  return found ?? null;
}

function curlIsHere(): boolean {
  return spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;
}

const python = pythonWithRequests();

t.test(
  'requests uploads a PDB and an EXE as documented',
  {
    skip: python ? false : 'python3 with requests is not installed here',
  },
  async (t) => {
    const { url } = await runningDaemon(t, { 'server.api_key': KEY });
    const client = join(testFolder(t), 'client.py');
    writeFileSync(client, PYTHON_CLIENT);
    const upload = async (kind: string, file: string, metadata: object): Promise<[string, Reply]> => {
      const args = [client, kind, join(examples, file), JSON.stringify(metadata), url, KEY];
      const { stdout } = await run(python ?? 'python3', args, { env: { ...process.env, NO_PROXY: '*' } });
      const [status = '', body = ''] = stdout.split('\n');
      return [status, JSON.parse(body)];
    };

    const identity = { exe_version: '1.0.2.3', exe_guid: GUID };
    const [pdbStatus, pdb] = await upload('pdb', 'crashme.pdb', {
      ...identity,
      exe_age: 1,
      pdb_filename: 'MyApp.pdb',
    });
    t.equal(pdbStatus, '200');
    t.equal(pdb.success, true);
    t.match(pdb.data.pdb_id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    t.equal(pdb.data.file_path, `./storage/pdbs/1.0.2.3/${GUID}_1/MyApp.pdb`);

    const [exeStatus, exe] = await upload('exe', 'crashme.exe', { ...identity, exe_filename: 'MyApp.exe' });
    t.equal(exeStatus, '200');
    t.equal(exe.data.file_path, `./storage/exes/1.0.2.3/${GUID}/MyApp.exe`);

    const [refused, failure] = await upload('pdb', 'crashme.exe', { ...identity, exe_age: 1 });
    t.equal(refused, '400');
    t.equal(failure.success, false);
    t.type(failure.error, 'string');
  },
);

t.test(
  'requests gets the reply to an upload over the limit',
  {
    skip: python ? false : 'python3 with requests is not installed here',
  },
  async (t) => {
    const { url } = await runningDaemon(t, { 'server.api_key': KEY, 'storage.max_minidump_size': 1_000_000 });
    const folder = testFolder(t);
    writeFileSync(join(folder, 'client.py'), PYTHON_CLIENT);
    writeFileSync(join(folder, 'large.dmp'), Buffer.concat([crashme('av.dmp'), Buffer.alloc(40_000_000)]));
    const args = [join(folder, 'client.py'), 'minidump', join(folder, 'large.dmp'), '{}', url, KEY];
    const { stdout } = await run(python ?? 'python3', args, { env: { ...process.env, NO_PROXY: '*' } });
    t.match(stdout, /^400\n/, 'it sends everything before it reads, and still reads the reply');
    t.match(stdout, 'storage.max_minidump_size');
  },
);

t.test(
  'curl uploads, lists, finds and downloads',
  { skip: curlIsHere() ? false : 'curl is not installed here' },
  async (t) => {
    const { url } = await runningDaemon(t, { 'server.api_key': KEY });
    const folder = testFolder(t);
    const curl = async (...args: string[]): Promise<string> => {
      const { stdout } = await run('curl', ['-sS', '--noproxy', '*', '-H', `X-API-Key: ${KEY}`, ...args]);
      return stdout;
    };
    const metadata = JSON.stringify({
      timestamp: '2026-01-06T12:34:56Z',
      exe_version: '1.0.2.3',
      exe_guid: '12345678-1234-1234-1234-1234567890AB',
      exe_age: 1,
      pid: 1234,
      tid: 5678,
      exception_code: '0xC0000005',
      exception_address: '0x00007FF6A0001000',
    });
    const dump = `minidump=@${join(examples, 'av.dmp')}`;
    const uploaded: Reply = JSON.parse(
      await curl('-F', `metadata=${metadata}`, '-F', dump, `${url}/api/upload/minidump`),
    );
    t.equal(
      uploaded.data.file_path,
      './storage/minidumps/1.0.2.3/12345678-1234-1234-1234-1234567890AB_1/crash_20260106123456_1234_5678.dmp',
    );
    const listed: Reply = JSON.parse(await curl(`${url}/list/minidumps?version=1.0.2.3&page=1&page_size=20`));
    t.match(listed.data, { page: 1, page_size: 20, total: 1 });
    const copy = join(folder, 'copy.dmp');
    await curl('-o', copy, `${url}/api/download/minidump/${uploaded.data.minidump_id}`);
    const { stdout } = await run('cmp', [copy, join(examples, 'av.dmp')]);
    t.equal(stdout, '', 'the same bytes come back');
  },
);

t.test(
  'the monitoring script finds the service, with a key that is not ours',
  {
    skip: curlIsHere() ? false : 'curl is not installed here',
  },
  async (t) => {
    const { url } = await runningDaemon(t);
    const check = `curl -f --noproxy '*' -H "X-API-Key: your-api-key" ${url}/health > /dev/null 2>&1`;
    t.equal(await exitCodeOf(check), 0);
  },
);

t.test('the documented configuration loads as it is', async (t) => {
  const folder = testFolder(t, {
    config: {
      'config.toml': [
        '[server]',
        'port = 3000          # 服务端口',
        'host = "0.0.0.0"     # 监听地址',
        'api_key = "your-secret-api-key"',
        '[storage]',
        'base_path = "./storage"',
        'max_minidump_size = 104857600',
        'max_pdb_size = 524288000',
        'max_exe_size = 524288000',
        '[database]',
        'path = "./data/crash_handler.db"',
        '[logging]',
        'level = "info"',
        'file = "./logs/server.log"',
      ].join('\n'),
    },
  });
  const { loadConfig } = await import('../../config/load.ts');
  const { config, warnings } = await loadConfig({ cwd: folder, env: {}, home: folder });
  t.same(warnings, []);
  t.equal(config.storage.base_path, join(folder, 'storage'));
  const { startDaemon } = await import('../../daemon/serve.ts');
  const loaded = await testConfig(folder, { 'server.host': '0.0.0.0', 'server.api_key': KEY });
  await t.rejects(startDaemon(loaded), { code: 'UNSAFE_LISTEN' }, 'but not with the key that everyone knows');
});

interface Reply {
  readonly success: boolean;
  readonly error?: string;
  readonly data: Record<string, unknown> & { pdb_id?: string; minidump_id?: string };
}

/** The exit code of a shell line, without blocking the daemon that lives in this process. */
function exitCodeOf(line: string): Promise<number> {
  return run('bash', ['-c', line]).then(
    () => 0,
    (error: { code?: number }) => error.code ?? -1,
  );
}
