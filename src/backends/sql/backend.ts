/** What the stores need of a SQL database; SQLite and PostgreSQL each give one. */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export interface SqlBackend {
  readonly db: Kysely<Schema>;
  /** Runs queries that change nothing. */
  read<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs one whole transaction. `work` is run again when another process was in the way, so it must
   * do nothing that cannot be repeated.
   *
   * @throws ChsError DATABASE_BUSY when the others did not finish in time, STORAGE_FULL
   */
  write<T>(work: (db: Kysely<Schema>) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** Calls `listener` after each write that was committed here, not in other processes. Gives what ends that. */
  onWritten(listener: () => void): () => void;
  /** Rejects when the database does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface WriteOptions {
  /** It leaves more room than there was, so on a full disk it may have what is set aside for such. */
  readonly makesRoom?: boolean;
}
