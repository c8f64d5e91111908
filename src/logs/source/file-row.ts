/** A log file as the store keeps it: the documented columns, and the rest as JSON. */
import type { SessionFileRow } from '../store.ts';
import type { LogFile } from './log-file.ts';

/** The row of a file; fileFromRow gives the same file back. */
export function fileToRow(file: LogFile): SessionFileRow {
  return {
    path: file.path,
    size: file.sizeBytes,
    encoding: file.encoding,
    timestampFormat: file.times.formats[0] ?? null,
    compression: file.compression,
    familyId: file.familyId,
    details: JSON.stringify(file),
  };
}

/**
 * The file of a row.
 *
 * @returns null where an earlier or later chs wrote it in another shape: the file has to be inspected again
 */
export function fileFromRow(row: SessionFileRow): LogFile | null {
  let file: unknown;
  try {
    file = JSON.parse(row.details);
  } catch {
    return null;
  }
  return isLogFile(file) && file.path === row.path ? file : null;
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isBoolean: Check = (value) => typeof value === 'boolean';
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]));

const isShapedAsLogFile = shape({
  path: isText,
  sizeBytes: isNumber,
  mtimeMs: isNumber,
  identity: shape({ device: isText, inode: isText, headHash: isText, headBytes: isNumber }),
  compression: oneOf('none', 'gzip'),
  encoding: isText,
  bomBytes: isNumber,
  needsConvert: isBoolean,
  familyId: orNull(isText),
  sequence: isNumber,
  mode: oneOf('text', 'json'),
  times: shape({
    formats: listOf(isText),
    zone: isText,
    anchors: listOf(shape({ offset: isNumber, baseMs: isNumber })),
    timeField: orNull(isText),
  }),
  timestampExamples: listOf(isText),
  jsonTimeFieldConfidence: isNumber,
  firstEvent: orNull(shape({ offset: isNumber, epochMs: isNumber })),
  zoneSource: orNull(oneOf('text', 'session', 'guess')),
  isNamed: orAbsent(isBoolean),
});

function isLogFile(value: unknown): value is LogFile {
  return isShapedAsLogFile(value);
}
