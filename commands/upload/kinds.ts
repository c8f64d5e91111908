/** The three kinds of file that are uploaded: how each is sent, asked for again, and what its upload replies. */
import type { CallOptions, OutgoingFile } from '../../src/connect.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import type { Operation } from '../../src/operation.ts';
import type { CrashClient } from '../crash-files.ts';
import { readInput } from '../flags.ts';
import type { WireKind } from './recognise.ts';

/** What every upload replies, by whatever name the ID goes. */
export interface UploadReply {
  readonly state: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly exe_version: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  readonly deduplicated: boolean;
  readonly warnings: readonly string[];
}

export interface Sent {
  readonly id: string;
  /** The operation's own reply. */
  readonly reply: UploadReply;
}

/** Fields of an upload's metadata, by their names on the wire. */
export type Fields = Readonly<Record<string, string | number | undefined>>;

/** A file that the server has, as it is found by its bytes. */
export type FoundFile = NonNullable<Awaited<ReturnType<CrashClient['findBySha256']>>['file']>;

export interface UploadKind {
  readonly wire: WireKind;
  /** For people. */
  readonly one: string;
  readonly many: string;
  readonly operation: Operation;
  /** The field that carries the file's own name; null where names say nothing. */
  readonly nameField: 'pdb_filename' | 'exe_filename' | null;
  send(client: CrashClient, fields: Fields, file: OutgoingFile, call: CallOptions): Promise<Sent>;
  /** Asks for the row of an ID. @throws ChsError when there is none */
  readBack(client: CrashClient, id: string, call: CallOptions): Promise<unknown>;
  /** What an upload of bytes that are there already replies, when nothing new is said of them. */
  replyFor(found: FoundFile): UploadReply;
}

/** By the names of their groups of commands. */
export const uploadKinds: Readonly<Record<'dump' | 'pdb' | 'exe', UploadKind>> = {
  dump: {
    wire: 'minidump',
    one: 'minidump',
    many: 'minidumps',
    operation: crashOperations.uploadMinidump,
    nameField: null,
    async send(client, fields, file, call) {
      const input = readInput(crashOperations.uploadMinidump, { options: {} }, fields);
      const reply = await client.uploadMinidump(input, file, call);
      return { id: reply.minidump_id, reply };
    },
    readBack: (client, id, call) => client.getMinidump({ id }, call),
    replyFor: (found) => ({
      minidump_id: found.id,
      ...shared(found),
      exception_code: found.exception_code,
    }),
  },
  pdb: {
    wire: 'pdb',
    one: 'PDB',
    many: 'PDBs',
    operation: crashOperations.uploadPdb,
    nameField: 'pdb_filename',
    async send(client, fields, file, call) {
      const input = readInput(crashOperations.uploadPdb, { options: {} }, fields);
      const reply = await client.uploadPdb(input, file, call);
      return { id: reply.pdb_id, reply };
    },
    readBack: (client, id, call) => client.getPdb({ id }, call),
    replyFor: (found) => ({ pdb_id: found.id, ...shared(found), pdb_filename: found.file_name }),
  },
  exe: {
    wire: 'exe',
    one: 'EXE or DLL',
    many: 'EXEs or DLLs',
    operation: crashOperations.uploadExe,
    nameField: 'exe_filename',
    async send(client, fields, file, call) {
      const input = readInput(crashOperations.uploadExe, { options: {} }, fields);
      const reply = await client.uploadExe(input, file, call);
      return { id: reply.exe_id, reply };
    },
    readBack: (client, id, call) => client.getExe({ id }, call),
    replyFor: (found) => ({ exe_id: found.id, ...shared(found), exe_filename: found.file_name }),
  },
};

function shared(found: FoundFile): UploadReply & { readonly file_path: string } {
  return {
    file_path: found.file_path,
    deduplicated: true,
    state: found.state ?? 'verified',
    sha256: found.sha256 ?? '',
    size_bytes: found.size_bytes ?? 0,
    exe_version: found.exe_version,
    exe_guid: found.exe_guid,
    exe_age: found.exe_age,
    warnings: found.warnings,
  };
}
