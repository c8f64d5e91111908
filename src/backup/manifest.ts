/** What a backup says of itself: `manifest.json`, signed, each naming the one before it. */

/** One database. The names are those of the file. */
export interface DatabaseEntry {
  readonly name: string;
  /** Where it was: a path, or a URL without its password. */
  readonly path: string;
  /** Bytes of the snapshot, before it was compressed. */
  readonly size: number;
  readonly sha256: string;
  /** Null for a database that is not of SQLite, as are the next three. */
  readonly pages: number | null;
  readonly page_size: number | null;
  readonly schema_sha256: string | null;
  readonly foreign_key_violations: number | null;
  readonly kind: 'sqlite' | 'postgres';
  /** Of PostgreSQL: `15.14`. */
  readonly server_version: string | null;
  /** The file in the backup: `main.db.gz`, `app.dump`. */
  readonly file: string;
  readonly file_size: number;
  readonly file_sha256: string;
}

/** The files that belong to a database of chs: minidumps, PDBs, EXEs. */
export interface FilesEntry {
  /** The database that refers to them. */
  readonly database: string;
  /** The folder where they were. */
  readonly path: string;
  readonly count: number;
  readonly size: number;
  /** The list of them in the backup, `files.ndjson.gz`: one `FileLine` a line. */
  readonly list: string;
  readonly list_size: number;
  readonly list_sha256: string;
  /** Files that the database names and that were not there, at most 100. */
  readonly missing: readonly string[];
}

/** One line of the list. */
export interface FileLine {
  /** Below the storage folder, `/` between. */
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
  /** Epoch milliseconds, and the inode as text: with the size they tell whether it is the same file still. */
  readonly modified_ms: number;
  readonly inode: string;
  /** Of the compressed file in the pool; left out where it was there before, and nobody knew. */
  readonly packed_sha256?: string | undefined;
}

/** What is signed. `timestamp`, `databases` and `options` are the documented manifest. */
export interface ManifestBody {
  /** `2025-12-24T12:00:00Z`: when the databases were cut. */
  readonly timestamp: string;
  readonly databases: readonly DatabaseEntry[];
  readonly options: { readonly db: string; readonly compact: boolean };
  readonly id: string;
  readonly version: 1;
  /** Whether all SQLite databases were cut at one instant, and why not. */
  readonly one_instant: boolean;
  readonly one_instant_reason: string | null;
  readonly files: FilesEntry | null;
  readonly made_by: { readonly chs: string; readonly host: string };
  /** From 1 on, by one more each time. */
  readonly sequence: number;
  /** The one before; null for the first. */
  readonly previous: { readonly id: string; readonly sha256: string } | null;
}

export interface Signature {
  /** The Ed25519 public key, 32 bytes in base64. */
  readonly key: string;
  /** Of the canonical JSON of everything but `signature`, in base64. */
  readonly value: string;
}

export interface Manifest extends ManifestBody {
  readonly signature: Signature;
}

/** `ID/verified.json`: that a backup was read back and held. */
export interface VerificationBody {
  readonly id: string;
  /** Of the manifest's bytes. */
  readonly manifest_sha256: string;
  /** `2025-12-24T12:00:00Z` */
  readonly verified_at: string;
  /** `made`: read back when it was made. `full`: integrity_check, foreign_key_check, every file of the pool. */
  readonly depth: 'made' | 'full';
  /** False: it was found damaged, and `problems` say how. */
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export interface Verification extends VerificationBody {
  readonly signature: Signature;
}
