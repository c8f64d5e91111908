/** Writes the first column of queries on a SQLite file into a new file, a line a row. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { QueryInput, QueryOutput } from '../../../backup/worker/protocol.ts';
import { readQuietly } from './database.ts';
import { failed } from './failure.ts';
import { syncFolder } from './files.ts';

const PIECE_CHARACTERS = 64 * 1024;

/** Rows whose value is null are left out. @throws a value that is more than a line; SQLite's errors; the system's */
export function queryFile({ path, queries, to }: QueryInput): QueryOutput {
  const file = openSync(to, 'wx', 0o600);
  try {
    const rows = readQuietly(path, (database) => {
      let count = 0;
      let piece = '';
      const flush = (): void => {
        if (piece !== '') writeAll(file, Buffer.from(piece));
        piece = '';
      };
      for (const query of queries) {
        for (const value of database.prepare(query).pluck().iterate()) {
          if (value === null) continue;
          piece += `${lineOf(value)}\n`;
          count += 1;
          if (piece.length >= PIECE_CHARACTERS) flush();
        }
      }
      flush();
      return count;
    });
    fsyncSync(file);
    syncFolder(dirname(to));
    return { rows };
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function lineOf(value: unknown): string {
  const text = String(value);
  if (!/[\n\r]/.test(text)) return text;
  throw failed({ code: null, params: {}, reason: 'a value that was asked for is more than one line' });
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
