/** What retention asks of the store. Each method is one whole transaction. Times are epoch milliseconds. */
import type { FileKind } from './store.ts';

/**
 * A place in the order in which files go: by time, at one time minidumps before symbols, then by ID.
 * The time of a minidump is that of its arrival. That of a symbol file is its own arrival, or that of the newest
 * minidump that needs it, where that is later: so a symbol file never goes before a minidump that needs it.
 */
export interface Place {
  readonly ms: number;
  readonly kind: FileKind;
  readonly id: string;
}

/** A stored file with its place. */
export interface PlacedFile extends Place {
  readonly filePath: string;
  readonly sizeBytes: number;
}

export interface FileTotal {
  readonly files: number;
  readonly bytes: number;
  /** Arrival of the oldest and of the newest; null where there are none. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export interface SymbolFile extends PlacedFile {
  readonly kind: 'pdbs' | 'exes';
  readonly uploadedMs: number;
}

/** Every PDB and EXE, and what minidumps need of them. */
export interface SymbolSurvey {
  readonly files: readonly SymbolFile[];
  /** The modules that each PDB may serve; PDBs that serve none are left out. */
  readonly modulesOf: ReadonlyMap<string, readonly number[]>;
  /** The arrival of the newest minidump that lists each module. */
  readonly lastArrivalMs: ReadonlyMap<number, number>;
}

/** What became of files that were to go. */
export interface RemovedFiles {
  /** In the order of the question: false for what was gone already, and for symbols that are needed by now. */
  readonly removed: readonly boolean[];
  /** In the same order: whether other rows may name the file of one that is gone. */
  readonly mayShareFile: readonly boolean[];
  readonly noLongerDebuggable: number;
}

export interface TaskRun {
  readonly name: string;
  readonly startedMs: number;
}

export interface CleanupStore {
  /** Of all files of a kind that arrived before a time. */
  total(kind: FileKind, beforeMs: number): Promise<FileTotal>;
  /** Minidumps that arrived from one time on and before another, by whole hours since 1970, the earliest first. */
  minidumpHours(
    fromMs: number,
    beforeMs: number,
  ): Promise<readonly { readonly hour: number; readonly bytes: number }[]>;
  /** Minidumps by arrival and ID, after one place and up to another. */
  minidumps(after: Place | null, upTo: Place, limit: number): Promise<readonly PlacedFile[]>;
  /** Of the minidumps up to a place. */
  minidumpsUpTo(place: Place): Promise<FileTotal>;
  /** Of the PDBs and EXEs that arrived before a time. */
  symbols(beforeMs: number): Promise<SymbolSurvey>;
  /** Minidumps beyond a place that are debuggable by the PDB of one of these modules. */
  debuggableBeyond(place: Place, moduleIds: readonly number[]): Promise<number>;
  /** Removes rows; each symbol file only if no minidump needs it at this moment. */
  remove(files: readonly Place[]): Promise<RemovedFiles>;
  /** Whether any row names this `file_path`. */
  isReferenced(filePath: string): Promise<boolean>;
  /**
   * Whether a task is due that should run every `intervalMs`; of several processes that ask at once, one gets it. A
   * last run that lies in the future was under a clock that has been set since, and does not count; nor does one that
   * began an hour ago or more and has not finished, as its process was killed.
   *
   * @returns null when it is not due
   */
  claimTask(name: string, nowMs: number, intervalMs: number): Promise<TaskRun | null>;
  /** Notes how it went; nothing where another run has begun since. */
  finishTask(run: TaskRun, nowMs: number, outcome: string): Promise<void>;
  /** It was stopped half-way, or failed: it is due again at once. */
  releaseTask(run: TaskRun): Promise<void>;
  tell(type: string, data: Readonly<Record<string, unknown>>, atMs: number): Promise<void>;
}
