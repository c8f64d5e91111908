/** The sixth step: log sessions, with the documented tables and columns, and what chs keeps beside them. */
import type { Migration } from './migration.ts';

/**
 * `bytes` is what the rows of a session, a search (with its hits and facts) or a file take: whoever writes them adds it
 * up in the same transaction, so that the limit needs no sum over all hits. `serial` puts searches and hits into the
 * order in which they came. Columns that may be long stand last: SQLite walks through them to reach what is behind.
 */
export const logSessions: Migration = {
  name: 'log sessions',
  sql: `
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, timezone TEXT NOT NULL, hint TEXT,
  used_at INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0, file_count INTEGER NOT NULL DEFAULT 0,
  file_bytes INTEGER NOT NULL DEFAULT 0, is_private INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL, directory TEXT
);
CREATE INDEX idx_sessions_used ON sessions(used_at);
CREATE UNIQUE INDEX idx_sessions_directory ON sessions(directory) WHERE directory IS NOT NULL;

CREATE TABLE session_files (
  session_id TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, encoding TEXT NOT NULL,
  timestamp_format TEXT, compression TEXT NOT NULL, family_id TEXT, bytes INTEGER NOT NULL, encoding_given INTEGER NOT NULL DEFAULT 0, details TEXT NOT NULL,
  PRIMARY KEY (session_id, path),
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE search_records (
  serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL, result_count INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, created_at INTEGER NOT NULL, bytes INTEGER NOT NULL, hit_count INTEGER NOT NULL,
  query_json TEXT NOT NULL, snapshot TEXT,
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
);
CREATE INDEX idx_search_records_session ON search_records(session_id, serial);

CREATE TABLE search_hits (
  serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record_id TEXT NOT NULL, session_id TEXT NOT NULL,
  file TEXT NOT NULL, family_id TEXT, line_number INTEGER NOT NULL, byte_offset INTEGER NOT NULL,
  timestamp INTEGER, truncated INTEGER NOT NULL, content TEXT NOT NULL, context TEXT NOT NULL,
  FOREIGN KEY (record_id) REFERENCES search_records(id) ON DELETE CASCADE
);
CREATE INDEX idx_search_hits_record ON search_hits(record_id);
CREATE INDEX idx_search_hits_time ON search_hits(session_id, timestamp, file, byte_offset);

CREATE TABLE memories (
  session_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (session_id, key),
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE facts (
  serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL, hit_id TEXT NOT NULL,
  rule_name TEXT NOT NULL, fields_json TEXT NOT NULL,
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  FOREIGN KEY (hit_id) REFERENCES search_hits(id) ON DELETE CASCADE
);
CREATE INDEX idx_facts_session ON facts(session_id, serial);
CREATE INDEX idx_facts_hit ON facts(hit_id);

-- Secrets of this installation, such as the one that cursors are signed with.
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
`,
};
