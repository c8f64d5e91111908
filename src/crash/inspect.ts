/** What the bytes of a minidump, a PDB or an EXE say of themselves, in the words of the replies. */
import { isoSeconds } from '../platform/clock.ts';
import { type ByteSource, parseSource } from './formats/bytes.ts';
import { type Minidump, type MinidumpModule, parseMinidump } from './formats/minidump.ts';
import { type Pdb, parsePdb } from './formats/pdb.ts';
import { type Pe, parsePe } from './formats/pe.ts';
import { baseName, guidKeyOf } from './names.ts';

/** A dump's main facts: those of its first module, its exception and its process. */
export interface MinidumpIdentity {
  readonly timestamp: string | null;
  readonly exe_name: string | null;
  readonly exe_version: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  readonly code_id: string | null;
  readonly pid: number | null;
  readonly tid: number | null;
  readonly exception_code: string | null;
  readonly exception_name: string | null;
  readonly exception_address: string | null;
  readonly crash_module: string | null;
  readonly os: string | null;
  readonly cpu: string | null;
  readonly module_count: number | null;
  readonly thread_count: number | null;
}

export interface PdbIdentity {
  /** Null for the all-zero one, which identifies nothing. */
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  /** The info stream's age, which pdbstr raises and debuggers ignore. */
  readonly info_age: number | null;
  readonly format: Pdb['kind'];
}

export interface ExeIdentity {
  readonly exe_version: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  readonly code_id: string;
  readonly machine: string | null;
  readonly pdb_path: string | null;
}

/** The file name of a module; null when it has none, or only a folder. */
function nameOf(module: MinidumpModule | undefined): string | null {
  return baseName(module?.name ?? '') || null;
}

export interface Inspected<Identity, Parsed> {
  readonly identity: Identity;
  readonly parsed: Parsed;
}

/** @throws FormatError */
export async function inspectMinidump(source: ByteSource): Promise<Inspected<MinidumpIdentity, Minidump>> {
  const dump = await parseSource(source, parseMinidump(source.sizeBytes));
  const program: MinidumpModule | undefined = dump.modules[0];
  const crashed = dump.crashModule === null ? undefined : dump.modules[dump.crashModule];
  const identity = {
    timestamp: dump.crashedAt === null ? null : isoSeconds(dump.crashedAt * 1000),
    exe_name: nameOf(program),
    exe_version: program?.version ?? null,
    exe_guid: program?.debugId?.guid ?? null,
    exe_age: program?.debugId?.age ?? null,
    code_id: program?.codeId ?? null,
    pid: dump.pid,
    tid: dump.crashingThreadId,
    exception_code: dump.exception?.code ?? null,
    exception_name: dump.exception?.name ?? null,
    exception_address: dump.exception?.address ?? null,
    crash_module: nameOf(crashed),
    os: dump.os ? `${dump.os.platform} ${dump.os.version}` : null,
    cpu: dump.cpu?.architecture ?? null,
    module_count: dump.moduleCount,
    thread_count: dump.threadCount,
  };
  return { identity, parsed: dump };
}

/** @throws FormatError */
export async function inspectPdb(source: ByteSource): Promise<Inspected<PdbIdentity, Pdb>> {
  const pdb = await parseSource(source, parsePdb(source.sizeBytes));
  return {
    identity: {
      exe_guid: guidKeyOf(pdb.guid) && pdb.guid,
      exe_age: pdb.age,
      info_age: pdb.infoAge,
      format: pdb.kind,
    },
    parsed: pdb,
  };
}

/** @throws FormatError */
export async function inspectExe(source: ByteSource): Promise<Inspected<ExeIdentity, Pe>> {
  const pe = await parseSource(source, parsePe(source.sizeBytes));
  const identity = {
    exe_version: pe.version,
    exe_guid: pe.debugId?.guid ?? null,
    exe_age: pe.debugId?.age ?? null,
    code_id: pe.codeId,
    machine: pe.machineName,
    pdb_path: pe.pdbPath,
  };
  return { identity, parsed: pe };
}
