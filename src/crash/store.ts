/** What the crash domain keeps, and the interface of whatever keeps it. Each method is one whole transaction. */
import type { Annotation, AnnotationStore } from './annotation-store.ts';

import type { MinidumpIndex } from './module-store.ts';

/** The three kinds of file, by the name of their table and of their folder below the storage root. */
export type FileKind = 'minidumps' | 'pdbs' | 'exes';

/** Whether metadata and bytes agree; null on rows of an earlier server, which never looked. */
export type IdentityState = 'verified' | 'mismatch' | 'unparsed';

/** What rows of every kind have. Documented columns hold what was declared, else what was parsed. */
export interface FileRow {
  id: string;
  exe_version: string | null;
  exe_guid: string | null;
  /** `./storage/` and the blob's key, whatever the root is called today. */
  file_path: string;
  /** `exe_guid` and the parsed GUID as 32 upper-case digits: what is compared. */
  guid_key: string | null;
  parsed_guid_key: string | null;
  parsed_age: number | null;
  parsed_version: string | null;
  state: IdentityState | null;
  size_bytes: number | null;
  sha256: string | null;
  /** JSON: the metadata as the client sent them. */
  declared: string | null;
  /** JSON: the identity as the bytes give it. */
  parsed: string | null;
  /** JSON: sentences. */
  warnings: string | null;
}

export interface MinidumpRow extends FileRow {
  timestamp: string | null;
  exe_age: number | null;
  pid: number | null;
  tid: number | null;
  exception_code: string | null;
  exception_address: string | null;
  created_at: string;
  /** Epoch milliseconds of the crash, or of its arrival where the crash time is unknown. */
  timestamp_ms: number;
  exe_name: string | null;
  /** Of the main module, unsigned. */
  time_date_stamp: number | null;
  size_of_image: number | null;
  /** Epoch milliseconds of its arrival, by which retention goes. */
  created_ms: number;
  /** Exception code, module and offset in one text (signature.ts); null when the dump does not say. */
  signature: string | null;
  /** The number of its arrival, and the module whose PDB makes it debuggable; given by the store. */
  serial: number | null;
  key_module_id: number | null;
}

export interface PdbRow extends FileRow {
  exe_age: number | null;
  pdb_filename: string | null;
  uploaded_at: string;
  uploaded_ms: number;
  /** `msf`, or `portable`: such a PDB has no age and matches by GUID alone. Null when unparsed. */
  format: string | null;
}

export interface ExeRow extends FileRow {
  exe_age: number | null;
  exe_filename: string | null;
  uploaded_at: string;
  uploaded_ms: number;
  time_date_stamp: number | null;
  size_of_image: number | null;
}

export interface RowOf {
  minidumps: MinidumpRow;
  pdbs: PdbRow;
  exes: ExeRow;
}

/** A row with the same bytes was there before, or this one is now. */
export interface Added<Row> {
  readonly added: boolean;
  readonly row: Row;
  /** Dumps that had to wait for this PDB or image; 0 for a dump. */
  readonly newlyDebuggable: number;
}

/** A deletion: whether there was such a row, and how many dumps cannot be debugged any more. */
export interface Removed {
  readonly removed: boolean;
  /** Whether other rows may name the same file: an earlier server overwrote files, and its rows have no hash. */
  readonly mayShareFile: boolean;
  readonly noLongerDebuggable: number;
}

export interface MinidumpFilter {
  readonly version?: string | undefined;
  readonly guidKey?: string | undefined;
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
  readonly exceptionCode?: string | undefined;
  readonly signature?: string | undefined;
  readonly debuggable?: boolean | undefined;
  /** `value` is null for any. */
  readonly annotation?: { readonly name: string; readonly value: string | null } | undefined;
  readonly text?: string | undefined;
}

export interface SymbolFilter {
  readonly version?: string | undefined;
  readonly guidKey?: string | undefined;
  readonly name?: string | undefined;
}

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

export interface Listed<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

export interface DebugKey {
  readonly guidKey: string;
  readonly age: number;
}

/** Whether an identity is what the bytes say, or what any of their uploads declared. */
export type IdentitySource = 'parsed' | 'declared';

/** The age of a declared identity that has none: of images, and of portable PDBs. */
export const NO_AGE = -1;

/** Stands in the keys of symbol stores for the age that portable PDBs do not have (.NET: SSQP key conventions). */
export const PORTABLE_AGE = 0xffff_ffff;

/** What a later upload of the same bytes declares. */
export interface Redeclaration {
  readonly debugId: DebugKey | null;
  readonly version: string | null;
  readonly fileName: string | null;
}

/** What is written together with the row of a dump. */
export interface BesideMinidump {
  /** Left out of rows that are to be indexed later. */
  readonly index?: MinidumpIndex;
  readonly annotations?: readonly Annotation[];
}

export interface CrashStore extends AnnotationStore {
  addMinidump(row: MinidumpRow, details: string, beside?: BesideMinidump): Promise<Added<MinidumpRow>>;
  addPdb(row: PdbRow): Promise<Added<PdbRow>>;
  /** `debugIds`: every CodeView identity of the image. */
  addExe(row: ExeRow, debugIds: readonly DebugKey[]): Promise<Added<ExeRow>>;
  /**
   * Notes that the bytes of a row were uploaded again with other metadata: the identity finds the row
   * from now on, and what a PDB or an EXE did not know of its version and name is filled in.
   *
   * @param declared `atMs`: when, for those who watch
   * @returns the row as it is now, and the dumps that had to wait for this identity; null when the row is gone
   */
  addDeclaration<K extends FileKind>(
    kind: K,
    id: string,
    declared: Redeclaration & { readonly atMs: number },
  ): Promise<{ readonly row: RowOf[K]; readonly newlyDebuggable: number } | null>;
  find<K extends FileKind>(kind: K, id: string): Promise<RowOf[K] | null>;
  findBySha256<K extends FileKind>(kind: K, sha256: string): Promise<RowOf[K] | null>;
  /** `atMs`: when, for those who watch. */
  remove(kind: FileKind, id: string, atMs: number): Promise<Removed>;
  /** Whether any row names this `file_path`. */
  isReferenced(filePath: string): Promise<boolean>;
  minidumpDetails(id: string): Promise<string | null>;
  listMinidumps(filter: MinidumpFilter, page: Page): Promise<Listed<MinidumpRow>>;
  listPdbs(filter: SymbolFilter, page: Page): Promise<Listed<PdbRow>>;
  listExes(filter: SymbolFilter, page: Page): Promise<Listed<ExeRow>>;
  /** PDBs with this identity, newest first. */
  pdbsByDebugId(key: DebugKey, source: IdentitySource): Promise<readonly PdbRow[]>;
  /** EXEs with this GUID, where it is parsed in any of their records, newest first. */
  exesByGuid(guidKey: string, source: IdentitySource): Promise<readonly ExeRow[]>;
  exesByImage(timeDateStamp: number, sizeOfImage: number): Promise<readonly ExeRow[]>;
  /** Every CodeView identity of an image. */
  debugIds(exeId: string): Promise<readonly DebugKey[]>;
}
