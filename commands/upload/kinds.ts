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
  /** Dumps that had to wait for it; a dump has none. */
  readonly newly_debuggable?: number;
  readonly warnings: readonly string[];
}

export interface Sent {
  readonly id: string;
  /** The operation's own reply. */
  readonly reply: UploadReply;
}

/** Fields of an upload's metadata, by their names on the wire; annotations are an object of their own. */
export type Fields = Readonly<Record<string, unknown>>;

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
  },
};
