/** The two sides of a match, each a file here or a stored one: what a dump asks for, and what a PDB is. */
import type { MinidumpModule } from '../src/crash/formats/minidump.ts';
import { inspectMinidump, inspectPdb } from '../src/crash/inspect.ts';
import {
  type Explanation,
  explainMatch,
  type OfferedSymbols,
  type WantedSymbols,
} from '../src/crash/match.ts';
import { baseName } from '../src/crash/names.ts';
import { crashOperations } from '../src/crash/operations.ts';
import type { CrashClient } from './crash-files.ts';
import { readInput } from './flags.ts';
import { inspectLocalMinidump, inspectLocalSymbols } from './inspect-file.ts';
import { isLocalArgument } from './local-file.ts';
import type { Run } from './run.ts';
import { isMinidump } from './views/minidump.ts';

/** One module of a dump, as far as symbols are concerned. */
export interface WantedModule extends WantedSymbols {
  /** For people: what it is called where it has no name, too. */
  readonly name: string;
  readonly fileName: string | null;
  /** TimeDateStamp and SizeOfImage; null where only a declared identity is known. */
  readonly timeDateStamp: number | null;
  readonly sizeOfImage: number | null;
}

export interface NamedPdb {
  readonly name: string;
  /** What its bytes say; what was declared where nobody could read them. */
  readonly offered: OfferedSymbols;
  /** Another identity that was declared for the bytes and finds them, too. */
  readonly declared: OfferedSymbols | null;
}

/** The best that a dump and a PDB have in common. */
export interface Comparison {
  readonly module: WantedModule;
  /** The program itself is 0. */
  readonly index: number;
  readonly explanation: Explanation;
}

/**
 * The modules of a dump, the program itself first; a declared identity that no module has comes last.
 *
 * @param argument a file here or the ID of a stored minidump
 */
export async function modulesOf(run: Run, argument: string): Promise<readonly WantedModule[]> {
  if (isLocalArgument(argument)) {
    const { parsed } = await inspectLocalMinidump(run, argument, inspectMinidump);
    return parsed.modules.map(wantedModule);
  }
  const input = readInput(crashOperations.getMinidump, { options: {} }, { id: argument });
  const client = (await run.connect()).client(crashOperations);
  const { minidump, details } = await client.getMinidump(input, { signal: run.signal });
  const modules = details !== null && isMinidump(details) ? details.modules.map(wantedModule) : [];
  const declared: WantedModule = {
    name: minidump.exe_name ?? 'the program',
    fileName: minidump.exe_name,
    guid: minidump.exe_guid,
    age: minidump.exe_age,
    version: minidump.exe_version,
    timeDateStamp: null,
    sizeOfImage: null,
  };
  const isNew =
    declared.guid !== null &&
    !modules.some(({ guid, age }) => guid === declared.guid && age === declared.age);
  return isNew ? [...modules, declared] : modules;
}

/** @param argument a file here or the ID of a stored PDB */
export async function pdbOf(run: Run, argument: string): Promise<NamedPdb> {
  if (isLocalArgument(argument)) return localPdb(run, argument);
  const input = readInput(crashOperations.getPdb, { options: {} }, { id: argument });
  const client = (await run.connect()).client(crashOperations);
  const { pdb } = await client.getPdb(input, { signal: run.signal });
  return storedPdb(pdb);
}

type ShownPdb = Awaited<ReturnType<CrashClient['getPdb']>>['pdb'];

export function storedPdb({ id, pdb_filename, exe_guid, exe_age, exe_version, parsed }: ShownPdb): NamedPdb {
  const portable = parsed?.format === 'portable';
  const declared = { guid: exe_guid, age: exe_age, version: exe_version, portable };
  const read = parsed && {
    guid: parsed.exe_guid ?? exe_guid,
    age: parsed.exe_age ?? null,
    version: exe_version,
    portable,
  };
  const differs = read && !explainMatch(read, declared).matches;
  return { name: pdb_filename ?? id, offered: read ?? declared, declared: differs ? declared : null };
}

/** @throws ChsError LOCAL_FILE, also when it is no PDB */
export async function localPdb(run: Run, path: string): Promise<NamedPdb> {
  const { parsed } = await inspectLocalSymbols(run, path, inspectPdb);
  return {
    name: path,
    offered: { guid: parsed.guid, age: parsed.age, version: null, portable: parsed.kind === 'portable' },
    declared: null,
  };
}

/** Why lookups find a stored PDB that debuggers refuse, for people. */
export function declarationRemark(wanted: WantedSymbols, { name, offered }: NamedPdb): string {
  const shown = ({ guid, age }: WantedSymbols): string => `${guid} age ${age ?? 'unknown'}`;
  return `${name} was declared to be ${shown(wanted)}, which lookups find; its bytes say ${shown(offered)}, and debuggers go by those`;
}

/**
 * The module that the PDB belongs to; when it belongs to none, the one that comes nearest (the same
 * GUID), or else the program itself. Null for a dump without modules.
 */
export function compareWithDump(
  modules: readonly WantedModule[],
  { offered }: Pick<NamedPdb, 'offered'>,
): Comparison | null {
  const all = modules.map((module, index) => ({ module, index, explanation: explainMatch(module, offered) }));
  const sameGuid = ({ explanation }: Comparison): boolean =>
    explanation.fields.some(({ field, verdict }) => field === 'guid' && verdict === 'same');
  return all.find(({ explanation }) => explanation.matches) ?? all.find(sameGuid) ?? all[0] ?? null;
}

function wantedModule(module: MinidumpModule): WantedModule {
  const fileName = module.name === null ? null : baseName(module.name) || null;
  return {
    name: fileName ?? 'unnamed',
    fileName,
    guid: module.debugId?.guid ?? null,
    age: module.debugId?.age ?? null,
    version: module.version,
    timeDateStamp: module.timeDateStamp,
    sizeOfImage: module.sizeOfImage,
  };
}
