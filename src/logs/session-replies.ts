/** Sessions and their files as replies show them. */
import { IO_MODE } from './source/io-mode.ts';
import type { LogFile } from './source/log-file.ts';
import type { SessionSummary } from './store.ts';
import { formatInstant } from './time/instants.ts';

export function shownFile(file: LogFile) {
  return {
    path: file.path,
    size: file.sizeBytes,
    encoding: file.encoding,
    timestamp_format: file.times.formats[0] ?? null,
    compression: file.compression,
    family_id: file.familyId,
  };
}

export function shownFormat(file: LogFile) {
  return {
    ...shownFile(file),
    time_format: file.times.formats[0] ?? null,
    timestamp_examples: [...file.timestampExamples],
    io_mode_used: IO_MODE,
    sequence: file.sequence,
    mode: file.mode,
    json_time_field: file.times.timeField,
    json_time_field_confidence: file.jsonTimeFieldConfidence,
    needs_convert: file.needsConvert,
    zone_source: file.zoneSource,
    first_event: file.firstEvent ? formatInstant(file.firstEvent.epochMs) : null,
  };
}

export function shownSession(row: SessionSummary) {
  return {
    session_id: row.id,
    created_at: new Date(row.createdAt).toISOString(),
    used_at: new Date(row.usedAt).toISOString(),
    timezone: row.timezone,
    hint: row.hint,
    directory: row.directory === null ? null : shownDirectory(row.directory),
    files: row.files,
    size: row.sizeBytes,
    searches: row.searches,
    hits: row.hits,
    facts: row.facts,
    memories: row.memories,
    stored_bytes: row.storedBytes,
  };
}

/** The paths of a directory's key. */
function shownDirectory(key: string): string {
  const { paths = [], more = 0 }: { paths?: string[]; more?: number } = JSON.parse(key);
  return more > 0 ? `${paths.join(', ')} (+${more})` : paths.join(', ');
}
