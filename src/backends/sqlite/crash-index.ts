/** The fifth step: modules of dumps, signatures, annotations, missed symbols, events, and what runs once a day. */
import { epochMs, guidKey, type Migration } from './migration.ts';

const NOW_MS = `cast(unixepoch('now', 'subsec') * 1000 as integer)`;
/**
 * When a row arrived whose text of it another program wrote; now where it cannot be read: 1970 would be the oldest of
 * all, and the first that retention deletes.
 */
const arrivalMs = (column: string, otherwise = NOW_MS): string =>
  `CASE WHEN ${epochMs(column)} > 0 THEN ${epochMs(column)} ELSE ${otherwise} END`;
const PATH_END = `lower(substr(replace(file_path, '\\', '/'), -32))`;

/**
 * A module is kept once, however many dumps list it, with the number of those dumps and whether its PDB
 * and its image are stored: so a PDB that arrives late changes one row, and what is wanted most is
 * read off an index. `serial` numbers dumps in the order of their arrival; a row without one has not
 * been indexed yet (it is older than these tables, or another program wrote it).
 */
export const crashIndex: Migration = {
  name: 'the crash index',
  sql: `
ALTER TABLE minidumps ADD COLUMN serial INTEGER;
ALTER TABLE minidumps ADD COLUMN created_ms INTEGER;
ALTER TABLE minidumps ADD COLUMN signature TEXT;
ALTER TABLE minidumps ADD COLUMN key_module_id INTEGER;
UPDATE minidumps SET
  created_ms = ${arrivalMs('created_at', `CASE WHEN timestamp_ms > 0 THEN timestamp_ms ELSE ${NOW_MS} END`)};
UPDATE pdbs SET uploaded_ms = ${NOW_MS} WHERE uploaded_ms <= 0;
UPDATE exes SET uploaded_ms = ${NOW_MS} WHERE uploaded_ms <= 0;
CREATE UNIQUE INDEX idx_minidumps_serial ON minidumps(serial) WHERE serial IS NOT NULL;
CREATE INDEX idx_minidumps_unindexed ON minidumps(created_ms, id) WHERE serial IS NULL;
CREATE INDEX idx_minidumps_created ON minidumps(created_ms, serial, size_bytes);
CREATE INDEX idx_minidumps_signature ON minidumps(signature, timestamp_ms, id, exe_version);
CREATE INDEX idx_minidumps_key_module ON minidumps(key_module_id, timestamp_ms, id);
-- Rows of an earlier server may share a file, each with a spelling of its own.
CREATE INDEX idx_minidumps_path_end ON minidumps(${PATH_END}) WHERE sha256 IS NULL;
CREATE INDEX idx_pdbs_path_end ON pdbs(${PATH_END}) WHERE sha256 IS NULL;
CREATE INDEX idx_exes_path_end ON exes(${PATH_END}) WHERE sha256 IS NULL;

CREATE INDEX idx_minidumps_other_version ON minidumps(parsed_version, timestamp_ms, id)
  WHERE parsed_version IS DISTINCT FROM exe_version;
-- By name, in any case: for lists, and to say which other builds there are.
CREATE INDEX idx_pdbs_name ON pdbs(lower(pdb_filename));
CREATE INDEX idx_exes_name ON exes(lower(exe_filename));

CREATE TABLE modules (
  id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,
  name TEXT, debug_file TEXT, guid_key TEXT, age INTEGER, time_date_stamp INTEGER, size_of_image INTEGER,
  version TEXT, is_system INTEGER NOT NULL, has_pdb INTEGER NOT NULL, has_image INTEGER NOT NULL,
  dump_count INTEGER NOT NULL, key_count INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL
);
CREATE INDEX idx_modules_debug_id ON modules(guid_key, age);
CREATE INDEX idx_modules_image ON modules(time_date_stamp, size_of_image);
CREATE INDEX idx_modules_wanted ON modules(has_pdb, is_system, dump_count);
CREATE TABLE minidump_modules (
  serial INTEGER NOT NULL, module_id INTEGER NOT NULL, PRIMARY KEY (serial, module_id)
) WITHOUT ROWID;
CREATE INDEX idx_minidump_modules_module ON minidump_modules(module_id, serial);

CREATE TRIGGER minidumps_dated AFTER INSERT ON minidumps WHEN NEW.created_ms IS NULL BEGIN
  UPDATE minidumps SET created_ms = ${arrivalMs('NEW.created_at')} WHERE id = NEW.id;
END;
-- Nobody has read the file of such a row, which is taken at its word.
DROP TRIGGER pdbs_inserted;
CREATE TRIGGER pdbs_inserted AFTER INSERT ON pdbs WHEN NEW.uploaded_ms IS NULL BEGIN
  UPDATE pdbs SET uploaded_ms = ${arrivalMs('NEW.uploaded_at')}, guid_key = ${guidKey('NEW.exe_guid')}
    WHERE id = NEW.id;
  UPDATE modules SET has_pdb = 1 WHERE guid_key = ${guidKey('NEW.exe_guid')} AND age = NEW.exe_age;
END;
DROP TRIGGER exes_inserted;
CREATE TRIGGER exes_inserted AFTER INSERT ON exes WHEN NEW.uploaded_ms IS NULL BEGIN
  UPDATE exes SET uploaded_ms = ${arrivalMs('NEW.uploaded_at')}, guid_key = ${guidKey('NEW.exe_guid')}
    WHERE id = NEW.id;
END;
CREATE TRIGGER minidumps_unindexed AFTER DELETE ON minidumps WHEN OLD.serial IS NOT NULL BEGIN
  UPDATE modules SET dump_count = dump_count - 1
    WHERE id IN (SELECT module_id FROM minidump_modules WHERE serial = OLD.serial);
  UPDATE modules SET key_count = key_count - 1 WHERE id = OLD.key_module_id;
  DELETE FROM modules WHERE dump_count <= 0
    AND id IN (SELECT module_id FROM minidump_modules WHERE serial = OLD.serial);
  DELETE FROM minidump_modules WHERE serial = OLD.serial;
END;

-- Totals of signatures, beside those of versions, GUIDs and codes.
CREATE TRIGGER minidumps_signed AFTER INSERT ON minidumps WHEN NEW.signature IS NOT NULL BEGIN
  INSERT INTO minidump_tallies VALUES ('signature', NEW.signature, 1)
    ON CONFLICT (kind, key) DO UPDATE SET row_count = row_count + 1;
END;
CREATE TRIGGER minidumps_signed_later AFTER UPDATE OF signature ON minidumps
  WHEN OLD.signature IS NULL AND NEW.signature IS NOT NULL BEGIN
  INSERT INTO minidump_tallies VALUES ('signature', NEW.signature, 1)
    ON CONFLICT (kind, key) DO UPDATE SET row_count = row_count + 1;
END;
CREATE TRIGGER minidumps_unsigned AFTER DELETE ON minidumps WHEN OLD.signature IS NOT NULL BEGIN
  UPDATE minidump_tallies SET row_count = row_count - 1 WHERE kind = 'signature' AND key = OLD.signature;
  DELETE FROM minidump_tallies WHERE kind = 'signature' AND key = OLD.signature AND row_count <= 0;
END;

CREATE TABLE annotations (
  minidump_id TEXT NOT NULL REFERENCES minidumps(id) ON DELETE CASCADE,
  source TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL
);
CREATE UNIQUE INDEX idx_annotations_minidump ON annotations(minidump_id, source, name);
CREATE INDEX idx_annotations_name ON annotations(name, substr(value, 1, 200), minidump_id);

CREATE TABLE symbol_misses (
  file TEXT NOT NULL, key TEXT NOT NULL, request_count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (file, key)
) WITHOUT ROWID;
CREATE INDEX idx_symbol_misses_last ON symbol_misses(last_ms);

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL
);

CREATE TABLE tasks (name TEXT PRIMARY KEY, started_ms INTEGER NOT NULL, finished_ms INTEGER, outcome TEXT);`,
};
