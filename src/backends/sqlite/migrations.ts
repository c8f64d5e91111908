/** The SQLite tables, as numbered steps from the documented ones to today's. */
import type BetterSqlite3 from 'better-sqlite3';
import { crashIndex } from './crash-index.ts';
import { logSessions } from './logs.ts';
import { epochMs, guidKey, type Migration } from './migration.ts';

const FILE_COLUMNS = `
  guid_key TEXT, parsed_guid_key TEXT, parsed_age INTEGER, parsed_version TEXT,
  state TEXT, size_bytes INTEGER, sha256 TEXT, declared TEXT, parsed TEXT, warnings TEXT`;

/**
 * The first step is the DDL of the documents, word for word: a database made by an earlier crash
 * handler server already has these tables and goes on from there, with its rows.
 */
const documented: Migration = {
  name: 'the documented tables',
  sql: `
CREATE TABLE IF NOT EXISTS minidumps (
    id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, exe_version TEXT NOT NULL, exe_guid TEXT NOT NULL,
    exe_age INTEGER NOT NULL, pid INTEGER NOT NULL, tid INTEGER NOT NULL, exception_code TEXT NOT NULL,
    exception_address TEXT, file_path TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pdbs (
    id TEXT PRIMARY KEY, exe_version TEXT NOT NULL, exe_guid TEXT NOT NULL, exe_age INTEGER NOT NULL,
    pdb_filename TEXT NOT NULL, file_path TEXT NOT NULL, uploaded_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS exes (
    id TEXT PRIMARY KEY, exe_version TEXT NOT NULL, exe_guid TEXT NOT NULL,
    exe_filename TEXT NOT NULL, file_path TEXT NOT NULL, uploaded_at TEXT NOT NULL
);`,
};

/**
 * What is unknown is NULL, which the documented columns forbid; SQLite can only drop NOT NULL by
 * copying a table. `timestamp_ms` compares instants, whatever offset the text was written with.
 */
const identities: Migration = {
  name: 'declared and parsed identities',
  sql: `
ALTER TABLE minidumps RENAME TO documented_minidumps;
CREATE TABLE minidumps (
  id TEXT PRIMARY KEY, timestamp TEXT, exe_version TEXT, exe_guid TEXT, exe_age INTEGER,
  pid INTEGER, tid INTEGER, exception_code TEXT, exception_address TEXT,
  file_path TEXT NOT NULL, created_at TEXT NOT NULL,
  timestamp_ms INTEGER, exe_name TEXT, time_date_stamp INTEGER, size_of_image INTEGER, ${FILE_COLUMNS}
);
INSERT INTO minidumps (id, timestamp, exe_version, exe_guid, exe_age, pid, tid, exception_code,
    exception_address, file_path, created_at, timestamp_ms, guid_key)
  SELECT id, timestamp, exe_version, exe_guid, exe_age, pid, tid, exception_code, exception_address,
    file_path, created_at, coalesce(${epochMs('timestamp')}, ${epochMs('created_at')}, 0), ${guidKey('exe_guid')}
  FROM documented_minidumps;
DROP TABLE documented_minidumps;

ALTER TABLE pdbs RENAME TO documented_pdbs;
CREATE TABLE pdbs (
  id TEXT PRIMARY KEY, exe_version TEXT, exe_guid TEXT, exe_age INTEGER, pdb_filename TEXT,
  file_path TEXT NOT NULL, uploaded_at TEXT NOT NULL, uploaded_ms INTEGER, format TEXT, ${FILE_COLUMNS}
);
INSERT INTO pdbs (id, exe_version, exe_guid, exe_age, pdb_filename, file_path, uploaded_at, uploaded_ms, guid_key)
  SELECT id, exe_version, exe_guid, exe_age, pdb_filename, file_path, uploaded_at,
    coalesce(${epochMs('uploaded_at')}, 0), ${guidKey('exe_guid')}
  FROM documented_pdbs;
DROP TABLE documented_pdbs;

ALTER TABLE exes RENAME TO documented_exes;
CREATE TABLE exes (
  id TEXT PRIMARY KEY, exe_version TEXT, exe_guid TEXT, exe_age INTEGER, exe_filename TEXT,
  file_path TEXT NOT NULL, uploaded_at TEXT NOT NULL, uploaded_ms INTEGER,
  time_date_stamp INTEGER, size_of_image INTEGER, ${FILE_COLUMNS}
);
INSERT INTO exes (id, exe_version, exe_guid, exe_filename, file_path, uploaded_at, uploaded_ms, guid_key)
  SELECT id, exe_version, exe_guid, exe_filename, file_path, uploaded_at,
    coalesce(${epochMs('uploaded_at')}, 0), ${guidKey('exe_guid')}
  FROM documented_exes;
DROP TABLE documented_exes;

CREATE TABLE minidump_details (
  minidump_id TEXT PRIMARY KEY REFERENCES minidumps(id) ON DELETE CASCADE, details TEXT NOT NULL
);
-- Identities that later uploads of the same bytes declared; age -1 is none.
CREATE TABLE declared_ids (
  kind TEXT NOT NULL, file_id TEXT NOT NULL, guid_key TEXT NOT NULL, age INTEGER NOT NULL,
  PRIMARY KEY (kind, guid_key, age, file_id)
) WITHOUT ROWID;
CREATE TABLE exe_debug_ids (
  exe_id TEXT NOT NULL REFERENCES exes(id) ON DELETE CASCADE, guid_key TEXT NOT NULL, age INTEGER NOT NULL,
  PRIMARY KEY (exe_id, guid_key, age)
) WITHOUT ROWID;
CREATE INDEX idx_exe_debug_ids_guid ON exe_debug_ids(guid_key, age);

CREATE INDEX idx_minidumps_version ON minidumps(exe_version);
CREATE INDEX idx_minidumps_guid_age ON minidumps(exe_guid, exe_age);
CREATE INDEX idx_minidumps_timestamp ON minidumps(timestamp);
CREATE INDEX idx_minidumps_recent ON minidumps(timestamp_ms, id);
CREATE INDEX idx_minidumps_version_recent ON minidumps(exe_version, timestamp_ms, id);
CREATE INDEX idx_minidumps_guid_recent ON minidumps(guid_key, timestamp_ms, id, exe_version);
CREATE INDEX idx_minidumps_code_recent ON minidumps(exception_code, timestamp_ms, id);
CREATE INDEX idx_minidumps_other_guid ON minidumps(parsed_guid_key, timestamp_ms, id)
  WHERE parsed_guid_key IS DISTINCT FROM guid_key;
CREATE INDEX idx_minidumps_file_path ON minidumps(file_path);
CREATE UNIQUE INDEX idx_minidumps_sha256 ON minidumps(sha256) WHERE sha256 IS NOT NULL;

CREATE INDEX idx_pdbs_guid_age ON pdbs(exe_guid, exe_age);
CREATE INDEX idx_pdbs_version ON pdbs(exe_version);
CREATE INDEX idx_pdbs_recent ON pdbs(uploaded_ms, id);
CREATE INDEX idx_pdbs_guid_key ON pdbs(guid_key, exe_age);
CREATE INDEX idx_pdbs_parsed_guid ON pdbs(parsed_guid_key, parsed_age) WHERE parsed_guid_key IS NOT NULL;
CREATE INDEX idx_pdbs_file_path ON pdbs(file_path);
CREATE UNIQUE INDEX idx_pdbs_sha256 ON pdbs(sha256) WHERE sha256 IS NOT NULL;

CREATE INDEX idx_exes_guid ON exes(exe_guid);
CREATE INDEX idx_exes_version ON exes(exe_version);
CREATE INDEX idx_exes_recent ON exes(uploaded_ms, id);
CREATE INDEX idx_exes_guid_key ON exes(guid_key);
CREATE INDEX idx_exes_image ON exes(time_date_stamp, size_of_image);
CREATE INDEX idx_exes_file_path ON exes(file_path);
CREATE UNIQUE INDEX idx_exes_sha256 ON exes(sha256) WHERE sha256 IS NOT NULL;`,
};

const NEW_MS = `coalesce(NEW.timestamp_ms, ${epochMs('NEW.timestamp')}, ${epochMs('NEW.created_at')}, 0)`;
const NEW_GUID = `coalesce(NEW.guid_key, ${guidKey('NEW.exe_guid')}, '')`;
const HOUR_MS = 3_600_000;
/** Rounded down also before 1970, where SQLite's own division rounds up. */
const hourOf = (ms: string): string =>
  `((${ms}) - (((${ms}) % ${HOUR_MS}) + ${HOUR_MS}) % ${HOUR_MS}) / ${HOUR_MS}`;

/**
 * Totals without counting: rows an hour, a version, a GUID, a code. Triggers keep them, so that they hold
 * for rows that another program writes into the documented columns, too.
 */
const tallies: Migration = {
  name: 'tallies',
  sql: `
CREATE TABLE minidump_hours (hour INTEGER PRIMARY KEY, row_count INTEGER NOT NULL);
CREATE TABLE minidump_tallies (
  kind TEXT NOT NULL, key TEXT NOT NULL, row_count INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
INSERT INTO minidump_hours SELECT ${hourOf('timestamp_ms')}, count(*) FROM minidumps GROUP BY 1;
INSERT INTO minidump_tallies SELECT 'version', coalesce(exe_version, ''), count(*) FROM minidumps GROUP BY 2;
INSERT INTO minidump_tallies SELECT 'guid', coalesce(guid_key, ''), count(*) FROM minidumps GROUP BY 2;
INSERT INTO minidump_tallies SELECT 'code', coalesce(exception_code, ''), count(*) FROM minidumps GROUP BY 2;

CREATE TRIGGER minidumps_inserted AFTER INSERT ON minidumps BEGIN
  UPDATE minidumps SET timestamp_ms = ${NEW_MS}, guid_key = nullif(${NEW_GUID}, '')
    WHERE id = NEW.id AND NEW.timestamp_ms IS NULL;
  INSERT INTO minidump_hours VALUES (${hourOf(NEW_MS)}, 1)
    ON CONFLICT (hour) DO UPDATE SET row_count = row_count + 1;
  INSERT INTO minidump_tallies VALUES
      ('version', coalesce(NEW.exe_version, ''), 1),
      ('guid', ${NEW_GUID}, 1),
      ('code', coalesce(NEW.exception_code, ''), 1)
    ON CONFLICT (kind, key) DO UPDATE SET row_count = row_count + 1;
END;
CREATE TRIGGER minidumps_deleted AFTER DELETE ON minidumps BEGIN
  UPDATE minidump_hours SET row_count = row_count - 1 WHERE hour = ${hourOf('OLD.timestamp_ms')};
  DELETE FROM minidump_hours WHERE hour = ${hourOf('OLD.timestamp_ms')} AND row_count <= 0;
  UPDATE minidump_tallies SET row_count = row_count - 1
    WHERE (kind = 'version' AND key = coalesce(OLD.exe_version, ''))
       OR (kind = 'guid' AND key = coalesce(OLD.guid_key, ''))
       OR (kind = 'code' AND key = coalesce(OLD.exception_code, ''));
  DELETE FROM minidump_tallies WHERE row_count <= 0 AND kind IN ('version', 'guid', 'code')
    AND key IN (coalesce(OLD.exe_version, ''), coalesce(OLD.guid_key, ''), coalesce(OLD.exception_code, ''));
END;
CREATE TRIGGER pdbs_inserted AFTER INSERT ON pdbs WHEN NEW.uploaded_ms IS NULL BEGIN
  UPDATE pdbs SET uploaded_ms = coalesce(${epochMs('NEW.uploaded_at')}, 0),
    guid_key = ${guidKey('NEW.exe_guid')} WHERE id = NEW.id;
END;
CREATE TRIGGER exes_inserted AFTER INSERT ON exes WHEN NEW.uploaded_ms IS NULL BEGIN
  UPDATE exes SET uploaded_ms = coalesce(${epochMs('NEW.uploaded_at')}, 0),
    guid_key = ${guidKey('NEW.exe_guid')} WHERE id = NEW.id;
END;`,
};

const tokens: Migration = {
  name: 'tokens',
  sql: `
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, hash TEXT NOT NULL,
  created_ms INTEGER NOT NULL, expires_ms INTEGER, last_used_ms INTEGER, revoked_ms INTEGER
);`,
};

/** In order; a database's `user_version` is the number of those that it has been through. */
const migrations: readonly Migration[] = [documented, identities, tallies, tokens, crashIndex, logSessions];

export const LATEST_MIGRATION = migrations.length;

/** Takes a database to today's tables. The caller holds the write transaction: all steps or none. */
export function migrate(database: BetterSqlite3.Database): void {
  const done = Number(database.pragma('user_version', { simple: true }));
  for (const { sql } of migrations.slice(done)) database.exec(sql);
  database.pragma(`user_version = ${LATEST_MIGRATION}`);
}
