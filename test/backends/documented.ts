/** A database as an earlier crash handler server made it: the documented tables, word for word, and no more. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';

const DOCUMENTED = `
CREATE TABLE IF NOT EXISTS minidumps (
    id TEXT PRIMARY KEY,
    timestamp TEXT NOT NULL,
    exe_version TEXT NOT NULL,
    exe_guid TEXT NOT NULL,
    exe_age INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    tid INTEGER NOT NULL,
    exception_code TEXT NOT NULL,
    exception_address TEXT,
    file_path TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pdbs (
    id TEXT PRIMARY KEY,
    exe_version TEXT NOT NULL,
    exe_guid TEXT NOT NULL,
    exe_age INTEGER NOT NULL,
    pdb_filename TEXT NOT NULL,
    file_path TEXT NOT NULL,
    uploaded_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS exes (
    id TEXT PRIMARY KEY,
    exe_version TEXT NOT NULL,
    exe_guid TEXT NOT NULL,
    exe_filename TEXT NOT NULL,
    file_path TEXT NOT NULL,
    uploaded_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_minidumps_version ON minidumps(exe_version);
CREATE INDEX IF NOT EXISTS idx_minidumps_guid_age ON minidumps(exe_guid, exe_age);
CREATE INDEX IF NOT EXISTS idx_minidumps_timestamp ON minidumps(timestamp);
CREATE INDEX IF NOT EXISTS idx_pdbs_guid_age ON pdbs(exe_guid, exe_age);
CREATE INDEX IF NOT EXISTS idx_pdbs_version ON pdbs(exe_version);
CREATE INDEX IF NOT EXISTS idx_exes_guid ON exes(exe_guid);
CREATE INDEX IF NOT EXISTS idx_exes_version ON exes(exe_version);`;

export const GUID = '12345678-1234-1234-1234-1234567890ab';
export const VERSION = '1.0.2.3';

export interface DocumentedDump {
  readonly id: string;
  readonly timestamp: string;
  readonly file_path: string;
}

/** Makes the database with these dumps and one PDB and one EXE, and closes it. */
export function makeDocumentedDatabase(path: string, dumps: readonly DocumentedDump[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const database = new (loadDriver())(path);
  database.exec(DOCUMENTED);
  const insert = database.prepare(`INSERT INTO minidumps VALUES
    (@id, @timestamp, '${VERSION}', '${GUID}', 1, 1234, 5678, '0xC0000005', NULL, @file_path, '2026-01-07T00:00:00Z')`);
  for (const dump of dumps) insert.run(dump);
  database.exec(`
    INSERT INTO pdbs VALUES ('pdb-1', '${VERSION}', '${GUID}', 1, 'MyApp.pdb',
      './storage/pdbs/${VERSION}/${GUID}_1/MyApp.pdb', '2026-01-05T08:00:00+08:00');
    INSERT INTO exes VALUES ('exe-1', '${VERSION}', '${GUID}', 'MyApp.exe',
      './storage/exes/${VERSION}/${GUID}/MyApp.exe', '2026-01-05T00:00:00.5Z');`);
  database.close();
}
