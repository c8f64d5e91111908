/** `chs demo`: a real crash from upload to explanation, in a throw-away directory, without configuration or network. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { ChsError } from '../src/platform/errors.ts';
import { packageRoot } from '../src/platform/package.ts';
import type { CrashClient } from './crash-files.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import type { ExitCode, Run } from './run.ts';
import { withScratch } from './scratch.ts';
import { compareWithDump, localPdb, modulesOf } from './symbols.ts';
import { showExplanation } from './views/explanation.ts';
import { datum, renderFacts } from './views/facts.ts';
import { isMinidump, showMinidump } from './views/minidump.ts';

interface Step {
  readonly step: string;
  readonly command: string;
  readonly ok: boolean;
}

/** What the steps share. */
interface Demo {
  readonly run: Run;
  readonly client: CrashClient;
  /** The example's files, by name. */
  readonly file: (name: string) => string;
  readonly steps: Step[];
}

export function register(program: Command, context: CommandContext): void {
  addCommand(program, context, {
    name: 'demo',
    summary: 'Try it all on an example crash, in a directory of its own',
    description:
      'Reads no configuration, uses no network, touches none of your data. Exit code 2 when a step did not give what it must.',
    options: () => [new Option('--keep', 'keep the directory with the data, to look at it')],
    examples: ['chs demo', 'chs demo --keep'],
    action: demonstrate,
  });
}

async function demonstrate(run: Run, { options }: Invocation): Promise<ExitCode> {
  const { out, language } = run;
  const keep = options.keep === true;
  const example = join(packageRoot(), 'examples', 'crashme');
  const steps = await withScratch({ purpose: 'demo', language, keep }, async (connection, folder) => {
    if (keep) out.note(`The data goes into ${folder}.`);
    const file = (name: string): string => join(example, ...name.split('/'));
    return takeSteps({ run, client: connection.client(crashOperations), file, steps: [] });
  });
  const complete = steps.every(({ ok }) => ok);
  if (out.json) out.value({ complete, steps });
  else if (complete) sayWhatNext(run);
  else out.warn('a step did not give what it must; please report this with the output of `chs doctor`');
  return complete ? 0 : 2;
}

async function takeSteps(demo: Demo): Promise<readonly Step[]> {
  const dumpId = await uploadDump(demo);
  await uploadSymbols(demo);
  await showCrash(demo, dumpId);
  await findPdb(demo, dumpId);
  await explainWrongPdb(demo);
  return demo.steps;
}

async function uploadDump(demo: Demo): Promise<string> {
  begin(demo, 'A program crashed and wrote a minidump. Upload it', 'chs dump upload av.dmp');
  const source = await outgoing(demo.file('av.dmp'));
  const reply = await demo.client.uploadMinidump({}, source, { signal: demo.run.signal });
  say(demo, [
    ['stored as', reply.minidump_id],
    ['state', reply.state],
    ['version', reply.exe_version],
    ['guid', reply.exe_guid],
  ]);
  end(demo, reply.state === 'verified' && reply.exe_version === '1.2.3.4');
  return reply.minidump_id;
}

async function uploadSymbols(demo: Demo): Promise<void> {
  const { run, client, file } = demo;
  const call = { signal: run.signal };
  begin(
    demo,
    'The build left a PDB and an EXE. Upload them too',
    'chs pdb upload crashme.pdb && chs exe upload crashme.exe',
  );
  const pdb = await client.uploadPdb(
    { pdb_filename: 'crashme.pdb' },
    await outgoing(file('crashme.pdb')),
    call,
  );
  const exe = await client.uploadExe(
    { exe_filename: 'crashme.exe' },
    await outgoing(file('crashme.exe')),
    call,
  );
  say(demo, [
    ['pdb', `${pdb.pdb_id}  ${pdb.state}  ${pdb.exe_guid}`],
    ['exe', `${exe.exe_id}  ${exe.state}  ${exe.exe_guid}`],
  ]);
  end(demo, pdb.state === 'verified' && exe.state === 'verified' && pdb.exe_guid === exe.exe_guid);
}

async function showCrash(demo: Demo, id: string): Promise<void> {
  const { run, client } = demo;
  begin(demo, 'See what the dump tells without any symbols', 'chs dump show ID');
  const { minidump, annotations, details } = await client.getMinidump({ id }, { signal: run.signal });
  const parsed = details !== null && isMinidump(details) ? details : null;
  const identity = { ...minidump.parsed, ...minidump };
  const { warnings } = minidump;
  if (!run.out.json)
    await showMinidump(run.out, { facts: [], identity, parsed, annotations, warnings }, false);
  end(demo, minidump.exception_code === '0xC0000005' && parsed !== null);
}

async function findPdb(demo: Demo, id: string): Promise<void> {
  const { run, client } = demo;
  begin(demo, 'Find the PDB that a debugger needs for it', 'chs pdb match ID');
  const { minidump } = await client.getMinidump({ id }, { signal: run.signal });
  const { exe_guid, exe_age } = minidump;
  const question = { exe_guid: exe_guid ?? undefined, exe_age: exe_age ?? undefined };
  const { pdb } = await client.findMatchingPdb(question, { signal: run.signal });
  say(demo, [
    ['matches', pdb.pdb_filename],
    ['id', pdb.id],
    ['guid', pdb.exe_guid],
    ['age', pdb.exe_age],
  ]);
  end(demo, pdb.pdb_filename === 'crashme.pdb');
}

async function explainWrongPdb(demo: Demo): Promise<void> {
  const { run, file } = demo;
  begin(
    demo,
    'Another build has the same name and the same version, and yet its PDB is the wrong one. Ask why',
    'chs dump explain av.dmp r2/crashme.pdb',
  );
  const [modules, pdb] = await Promise.all([
    modulesOf(run, file('av.dmp')),
    localPdb(run, file('r2/crashme.pdb')),
  ]);
  const comparison = compareWithDump(modules, pdb);
  if (!run.out.json) {
    const names = { dumpName: 'av.dmp', pdbName: 'r2/crashme.pdb' };
    await showExplanation(run.out, { ...names, moduleCount: modules.length, comparison });
  }
  end(demo, comparison?.explanation.matches === false);
}

function begin({ run, steps }: Demo, step: string, command: string): void {
  run.signal.throwIfAborted();
  steps.push({ step, command, ok: false });
  const { out } = run;
  if (out.json) return;
  if (steps.length > 1) out.line();
  out.line(`${out.style.bold(`${steps.length}. ${step}.`)}`);
  out.line(`   ${out.style.dim('$')} ${command}`);
  out.line();
}

function end({ steps }: Demo, ok: boolean): void {
  const last = steps.pop();
  if (last) steps.push({ ...last, ok });
}

function say({ run: { out } }: Demo, facts: Parameters<typeof renderFacts>[0]): void {
  if (!out.json) for (const line of renderFacts(facts, out)) out.line(line);
}

async function outgoing(
  path: string,
): Promise<{ bytes: ReturnType<typeof createReadStream>; sizeBytes: number }> {
  const found = await stat(path).catch((error: unknown) => {
    throw new ChsError(
      'LOCAL_FILE',
      { path, reason: 'this part of the example is not installed' },
      { cause: error },
    );
  });
  return { bytes: createReadStream(path), sizeBytes: found.size };
}

function sayWhatNext({ out }: Run): void {
  const { bold, dim } = out.style;
  const command = (text: string, what: string): void =>
    out.line(`  ${dim('$')} ${text.padEnd(58)} ${dim(what)}`);
  out.line();
  out.line(bold('Everything worked. What next?'));
  command('chs dump show YOUR.dmp', 'look at a dump of your own, without a server');
  command('chs dump upload YOUR.dmp && chs pdb upload YOUR.pdb', 'keep it, with its symbols');
  command('windbg -y FOLDER-OF-PDB -i FOLDER-OF-EXE -z YOUR.dmp', 'debug it on Windows');
  command('lldb --core YOUR.dmp YOUR.exe', 'debug it elsewhere');
  command('chs serve', 'let others and CI upload over HTTP');
  out.line(dim(`  ${datum('chs doctor')} checks this machine; ${datum('chs --help')} lists the rest.`));
}
