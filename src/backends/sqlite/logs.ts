/** The sixth step: log sessions, with the documented tables and columns, and what chs keeps beside them. */
import type { Migration } from './migration.ts';

/**
 * `bytes` of a session is what its rows take, kept by triggers, so that the limit needs no sum over all hits.
 * `serial` puts searches and hits into the order in which they came.
 */
export const logSessions: Migration = {
  name: 'log sessions',
  sql: `
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, timezone TEXT NOT NULL, hint TEXT,
  used_at INTEGER NOT NULL, directory TEXT, bytes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX idx_sessions_used ON sessions(used_at);
CREATE UNIQUE INDEX idx_sessions_directory ON sessions(directory) WHERE directory IS NOT NULL;

CREATE TABLE session_files (
  session_id TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, encoding TEXT NOT NULL,
  timestamp_format TEXT, compression TEXT NOT NULL, family_id TEXT, details TEXT NOT NULL,
  PRIMARY KEY (session_id, path),
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE search_records (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL, query_json TEXT NOT NULL, result_count INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, created_at INTEGER NOT NULL, snapshot TEXT, bytes INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
);
CREATE INDEX idx_search_records_session ON search_records(session_id, created_at);

CREATE TABLE search_hits (
  serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record_id TEXT NOT NULL, session_id TEXT NOT NULL,
  file TEXT NOT NULL, family_id TEXT, line_number INTEGER NOT NULL, byte_offset INTEGER NOT NULL,
  timestamp INTEGER, content TEXT NOT NULL, context TEXT NOT NULL, truncated INTEGER NOT NULL,
  FOREIGN KEY (record_id) REFERENCES search_records(id) ON DELETE CASCADE
);
CREATE INDEX idx_search_hits_record ON search_hits(record_id);
CREATE INDEX idx_search_hits_session ON search_hits(session_id, serial);
CREATE INDEX idx_search_hits_time ON search_hits(session_id, timestamp, file, line_number);

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
