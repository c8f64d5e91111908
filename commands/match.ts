/** `chs pdb match`: the PDB that a dump needs, among files here or among what is stored. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { explainMatch } from '../src/crash/match.ts';
import { baseName, FILE_NAME_CHARS_MAX } from '../src/crash/names.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { CrashClient } from './crash-files.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { describeFailure } from './failure.ts';
import { localFileError, refuseTwoInputs } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import {
  type Comparison,
  compareWithDump,
  declarationRemark,
  localPdb,
  modulesOf,
  type NamedPdb,
  storedPdb,
  type WantedModule,
} from './symbols.ts';
import { datum, renderFacts } from './views/facts.ts';

/** A search in directories stops here: whoever names a whole disk should name less. */
const FILES_MAX = 10_000;
const DEPTH_MAX = 16;

export function matchCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'match',
    summary: 'Find the PDB that a minidump needs',
    description:
      'With PDBs or directories it looks through those (directories with all below them, compressed .pd_ files too) and ' +
      'needs no server; without, among what is stored. Exit code 1: there is none.',
    arguments: [
      { syntax: '<dump>', description: 'a minidump here, or the ID of a stored one', complete: 'file' },
      {
        syntax: '[candidates...]',
        description: 'PDBs here, or directories that hold some',
        complete: 'file',
      },
    ],
    examples: [
      'chs pdb match crash.dmp',
      'chs pdb match crash.dmp out/ old/crashme.pdb',
      'chs pdb match DUMP-ID --json',
    ],
    action: match,
  });
}

async function match(run: Run, { args: [dump = '', ...candidates] }: Invocation): Promise<ExitCode> {
  refuseTwoInputs([dump, ...candidates]);
  const modules = await modulesOf(run, dump);
  const [program] = modules;
  if (!program) return noneFound(run, `${dump} lists no modules, so it asks for no PDB`);
  return candidates.length > 0 ? matchFiles(run, dump, modules, candidates) : matchStored(run, modules);
}

async function matchFiles(
  run: Run,
  dump: string,
  modules: readonly WantedModule[],
  candidates: readonly string[],
): Promise<ExitCode> {
  const { out } = run;
  const files = await pdbFiles(candidates, run);
  const found: { pdb: NamedPdb; comparison: Comparison }[] = [];
  let looked = 0;
  for (const { path, named } of files) {
    const pdb = await localPdb(run, path).catch((error: unknown) => {
      if (named && candidates.length === 1) throw error;
      if (!(error instanceof ChsError)) throw error;
      out.warn(describeFailure(error, run.language).message);
      return null;
    });
    if (!pdb) continue;
    looked += 1;
    const comparison = compareWithDump(modules, pdb);
    if (comparison?.explanation.matches) found.push({ pdb, comparison });
  }
  // The program's own PDB before those of its libraries.
  found.sort((a, b) => a.comparison.index - b.comparison.index);
  if (found.length === 0) {
    const empty = files.length === 0;
    return noneFound(
      run,
      empty ? `there is no PDB in ${candidates.join(', ')}` : noneOf(dump, modules, looked),
    );
  }
  if (out.json) {
    out.value({
      matches: found.map(({ pdb, comparison }) => ({
        file: pdb.name,
        module: comparison.module.name,
        module_index: comparison.index,
      })),
    });
    return 0;
  }
  for (const { pdb, comparison } of found) out.line(`${datum(pdb.name)}  ${datum(comparison.module.name)}`);
  return 0;
}

function noneOf(dump: string, [program]: readonly WantedModule[], looked: number): string {
  const wanted = program?.guid
    ? `${program.name} needs ${program.guid} age ${program.age}`
    : `${program?.name} carries no CodeView record with a usable GUID`;
  const those = looked === 1 ? 'the PDB does not match' : `none of ${looked} PDBs matches`;
  return `${those} ${baseName(dump)}: ${wanted}`;
}

async function matchStored(run: Run, modules: readonly WantedModule[]): Promise<ExitCode> {
  const { out, signal } = run;
  const client = (await run.connect()).client(crashOperations);
  // The program as the bytes say it, then as it was declared (which comes last).
  const questions = [modules[0], modules.at(-1)].filter((module) => module !== undefined);
  const tried = new Set<string>();
  for (const [index, module] of questions.entries()) {
    const question = questionFor(module);
    const isLibrary = index > 0 && module.timeDateStamp !== null;
    if (question === null || isLibrary || tried.has(JSON.stringify(question))) continue;
    tried.add(JSON.stringify(question));
    const reply = await client.findMatchingPdb(question, { signal }).catch(noMatch);
    if (!reply) continue;
    const { pdb } = reply;
    const named = storedPdb(pdb);
    if (pdb.parsed && !explainMatch(module, named.offered).matches)
      out.warn(datum(declarationRemark(module, named)));
    const module_index = modules.indexOf(module);
    if (out.json) {
      out.value({ matches: [{ file: pdb.pdb_filename, module: module.name, module_index, pdb }] });
    } else {
      const facts = [
        ['id', pdb.id],
        ['file', pdb.pdb_filename],
        ['guid', pdb.exe_guid],
        ['age', pdb.exe_age],
        ['version', pdb.exe_version],
      ] as const;
      for (const line of renderFacts([['matches', module.name], ...facts], out)) out.line(line);
    }
    return 0;
  }
  const [program] = modules;
  const reason = program?.guid
    ? `no stored PDB matches ${program.name}: it needs ${program.guid} age ${program.age}`
    : `${program?.name} carries no CodeView record with a usable GUID, and no stored EXE tells which PDB is its own`;
  return noneFound(run, reason);
}

/** An empty list is an answer like any other with --json. */
function noneFound({ out }: Run, reason: string): ExitCode {
  if (!out.json) throw new ChsError('NO_MATCH', { reason });
  out.value({ matches: [] });
  return 1;
}

function noMatch(error: unknown): null {
  if (error instanceof ChsError && error.code === 'NO_MATCHING_PDB') return null;
  throw error;
}

type Question = Parameters<CrashClient['findMatchingPdb']>[0];

/** By GUID and age, or, where the module carries none, by the image that a stored EXE may be. */
function questionFor(module: WantedModule): Question | null {
  const { fileName, guid, age, version, timeDateStamp, sizeOfImage } = module;
  const exe_version = version ?? undefined;
  if (guid !== null && age !== null) return { exe_version, exe_guid: guid, exe_age: age };
  if (timeDateStamp === null || sizeOfImage === null) return null;
  return {
    exe_version,
    exe_time_date_stamp: `0x${timeDateStamp.toString(16)}`,
    exe_size_of_image: `0x${sizeOfImage.toString(16)}`,
    exe_filename: isAskable(fileName) ? fileName : undefined,
  };
}

/** A dump may name its modules as it likes; a name that no stored file can have is no part of the question. */
function isAskable(fileName: string | null): fileName is string {
  return fileName !== null && fileName !== '' && fileName.length <= FILE_NAME_CHARS_MAX;
}

interface Candidate {
  readonly path: string;
  /** The user named it, rather than a directory above it. */
  readonly named: boolean;
}

async function pdbFiles(
  candidates: readonly string[],
  { out, language, signal }: Run,
): Promise<readonly Candidate[]> {
  const files: Candidate[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      const failure = localFileError(folder, error);
      if (depth === 0 || !(failure instanceof ChsError)) throw failure;
      out.warn(describeFailure(failure, language).message);
      return [];
    });
    for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
      signal.throwIfAborted();
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < DEPTH_MAX) await walk(path, depth + 1);
      else if (entry.isFile() && /\.pd[b_]$/i.test(entry.name)) files.push({ path, named: false });
      if (files.length > FILES_MAX) {
        throw new ChsError('LOCAL_FILE', {
          path: folder,
          reason: `it holds more than ${FILES_MAX} PDBs; name a smaller directory`,
        });
      }
    }
  };
  for (const candidate of candidates) {
    const isFolder = candidate !== '-' && (await isDirectory(candidate));
    if (isFolder) await walk(candidate, 0);
    else files.push({ path: candidate, named: true });
  }
  return files;
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    throw localFileError(path, error);
  });
  return found.isDirectory();
}
