/** The example clients that need no Windows: Python's functions, called as the documents call theirs. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { storedDump } from '../daemon/submission-bodies.ts';
import { at } from '../daemon/wire.ts';
import { reach, TEST_KEY } from '../fixtures/chs.ts';
import { projectRoot } from '../fixtures/shared.ts';

const run = promisify(execFile);
const clients = join(projectRoot, 'examples', 'clients');
const crashme = join(projectRoot, 'examples', 'crashme');
const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';

const python = ['/usr/bin/python3', 'python3'].find(
  (program) => spawnSync(program, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0,
);
const skip = python ? false : 'python3 with requests is not installed here';
const environment = { ...process.env, NO_PROXY: '*', CHS_API_KEY: TEST_KEY, PYTHONDONTWRITEBYTECODE: '1' };

const SCRIPT = `
import json, sys
from upload_symbols import upload_exe_to_server, upload_minidump_to_server, upload_pdb_to_server
folder, server_url, api_key = sys.argv[1:]
print(json.dumps([
    upload_pdb_to_server(pdb_path=f"{folder}/crashme.pdb", exe_version="1.2.3.4", exe_guid="${GUID}", exe_age=1,
                         pdb_filename="crashme.pdb", server_url=server_url, api_key=api_key),
    upload_exe_to_server(exe_path=f"{folder}/crashme.exe", exe_version="1.2.3.4", exe_guid="${GUID}",
                         exe_filename="crashme.exe", server_url=server_url, api_key=api_key),
    upload_minidump_to_server(f"{folder}/av.dmp", server_url, api_key, annotations={"user": "ada"}),
    upload_pdb_to_server(f"{folder}/crashme.exe", None, None, None, None, server_url, api_key),
]))
`;

t.test('the functions in Python upload symbols and a minidump', { skip }, async (t) => {
  const chs = await reach(t, 'daemon');
  const args = ['-c', SCRIPT, crashme, `${chs.url}/api/`, TEST_KEY];
  const { stdout } = await run(python ?? '', args, { env: environment, cwd: clients });
  const replies: unknown[] = JSON.parse(stdout);
  const verified = { success: true, data: { state: 'verified', exe_guid: GUID, exe_version: '1.2.3.4' } };
  t.match(replies, [verified, verified, verified, { success: false, code: 'WRONG_FILE_TYPE' }]);
  t.same((await storedDump(chs, String(at(replies, 2, 'data', 'minidump_id')))).client, { user: 'ada' });
});

t.test('the program in Python uploads whatever files it is given', { skip }, async (t) => {
  const chs = await reach(t, 'daemon');
  const files = ['crashme.pdb', 'crashme.exe', 'av.dmp'].map((name) => join(crashme, name));
  const program = join(clients, 'upload_symbols.py');
  const { stdout, stderr } = await run(python ?? '', [program, chs.url ?? '', ...files], {
    env: environment,
  });
  t.equal(stdout.trim().split('\n').length, 3, stderr);
  const refused = run(python ?? '', [program, chs.url ?? '', program, files[0] ?? ''], { env: environment });
  await t.rejects(refused, {
    code: 1,
    stdout: /crashme\.pdb: stored as/,
    stderr: /upload_symbols\.py: .*wrong file type/,
  });
});
