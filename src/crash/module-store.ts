/** Modules as the store knows them: each once, with the dumps that list it and whether its symbols are there. */

import type { Annotation } from './annotation-store.ts';

/** What tells one build of a module from all others. */
export interface ModuleIdentity {
  /** File name of the image, without its folder. */
  readonly name: string | null;
  /** File name of its PDB, as the linker wrote it into the image. */
  readonly debugFile: string | null;
  /** CodeView identity: 32 upper-case digits and age; null where there is none. */
  readonly guidKey: string | null;
  readonly age: number | null;
  /** Both null where a client declared the identity and no file says more. */
  readonly timeDateStamp: number | null;
  readonly sizeOfImage: number | null;
  readonly version: string | null;
  /** Part of the operating system: its symbols are its maker's. */
  readonly isSystem: boolean;
}

/** What the store notes of a dump besides its row. */
export interface MinidumpIndex {
  readonly modules: readonly ModuleIdentity[];
  /** Which of them has to have its PDB stored for the dump to be debuggable; null for none. */
  readonly keyModule: number | null;
  readonly signature: string | null;
}

/** A module that lacks its PDB. */
export interface WantedModule extends ModuleIdentity {
  /** Dumps that list it, and those that would become debuggable. */
  readonly dumpCount: number;
  readonly keyCount: number;
  readonly hasImage: boolean;
  /** Epoch milliseconds of the first and the last crash that lists it. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** A dump that no index knows: older than the index, or written by another program. */
export interface UnindexedMinidump {
  readonly id: string;
  readonly file_path: string;
  readonly state: string | null;
  readonly details: string | null;
  readonly exe_name: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  readonly exe_version: string | null;
  readonly exception_code: string | null;
  readonly timestamp_ms: number;
}

/** What such a dump gets. */
export interface IndexEntry {
  readonly id: string;
  readonly index: MinidumpIndex;
  /** Those inside of it. */
  readonly annotations: readonly Annotation[];
}

export interface SignatureFilter {
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
  readonly version?: string | undefined;
}

/** Dumps that crashed alike. Times are epoch milliseconds. */
export interface SignatureCount {
  readonly signature: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The newest of them. */
  readonly lastId: string;
}

export interface SignatureTotals {
  readonly signatures: number;
  readonly minidumps: number;
  /** Dumps without a signature: no exception, or none that could be read. */
  readonly unsigned: number;
}

/** Each method is one whole transaction. */
export interface ModuleStore {
  /** The oldest arrivals first. */
  unindexed(limit: number): Promise<readonly UnindexedMinidump[]>;
  countUnindexed(): Promise<number>;
  /** Notes the index of dumps that have none; of one that is gone or indexed by now it does nothing. */
  index(entries: readonly IndexEntry[]): Promise<void>;
  /** Those of the modules (rows' `key_module_id`) whose PDB is stored. */
  withPdb(moduleIds: readonly number[]): Promise<ReadonlySet<number>>;
  /** Modules that lack a PDB, those of most dumps first. */
  wanted(options: { readonly system: boolean; readonly limit: number }): Promise<readonly WantedModule[]>;
  /** How many there are, of programs and of the system. */
  countWanted(): Promise<{ readonly own: number; readonly system: number }>;
  wantedByDebugId(guidKey: string, age: number): Promise<WantedModule | null>;
  /** Signatures by the number of their dumps, the most frequent first. */
  topSignatures(filter: SignatureFilter, limit: number): Promise<readonly SignatureCount[]>;
  signatureTotals(filter: SignatureFilter): Promise<SignatureTotals>;
  /** Versions of a signature's dumps, the most frequent first. */
  versionsOf(
    signature: string,
    filter: SignatureFilter,
    limit: number,
  ): Promise<readonly { readonly version: string | null; readonly count: number }[]>;
  /** Dumps of a signature in each whole day (UTC) from `startMs` on; days without any are left out. */
  daysOf(
    signature: string,
    startMs: number,
    filter: SignatureFilter,
  ): Promise<readonly { readonly day: number; readonly count: number }[]>;
}
