/** Events as lines for people: when, what, and what matters of it. */
import { exceptionName } from '../../src/crash/formats/exception-names.ts';
import { printable } from '../../src/platform/errors.ts';
import { shownTime } from './facts.ts';
import { shownBytes } from './progress.ts';
import type { Style } from './style.ts';

export interface WatchedEvent {
  readonly id: number;
  readonly type: string;
  /** ISO 8601 */
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** As long as the longest of the types, so that lines stand below each other. */
const TYPE_COLUMNS = 'minidump.uploaded'.length;
/** One line of any event: it may carry what a client declared. */
const TEXT_CHARS_MAX = 300;

/** `2026-01-06 12:34:56  pdb.uploaded       crashme.pdb  3 dumps became debuggable  (ID)`; times are in UTC. */
export function eventLine({ type, at, data }: WatchedEvent, style: Style): string {
  const tell = tellers[type] ?? anything;
  const text = printable(tell(data), TEXT_CHARS_MAX);
  const paint = type.endsWith('.deleted') ? style.yellow : style.bold;
  const shownType = paint(printable(type, 40).padEnd(TYPE_COLUMNS));
  return `${style.dim(shownTime(at))}  ${shownType}  ${text}`.trimEnd();
}

type Data = WatchedEvent['data'];

const tellers: Readonly<Record<string, (data: Data) => string>> = {
  'minidump.uploaded': (data) =>
    joined([words(data.exe_name, data.exe_version), exception(data.exception_code), id(data.minidump_id)]),
  'minidump.deleted': (data) => joined([words(data.exe_name, data.exe_version), id(data.minidump_id)]),
  'pdb.uploaded': (data) =>
    joined([words(data.pdb_filename), dumps(data.newly_debuggable, 'became debuggable'), id(data.pdb_id)]),
  'pdb.deleted': (data) =>
    joined([
      words(data.pdb_filename),
      dumps(data.no_longer_debuggable, 'cannot be debugged any more'),
      id(data.pdb_id),
    ]),
  'exe.uploaded': (data) =>
    joined([
      words(data.exe_filename, data.exe_version),
      dumps(data.newly_debuggable, 'became debuggable'),
      id(data.exe_id),
    ]),
  'exe.deleted': (data) =>
    joined([
      words(data.exe_filename, data.exe_version),
      dumps(data.no_longer_debuggable, 'cannot be debugged any more'),
      id(data.exe_id),
    ]),
  'cleanup.finished': (data) =>
    joined([
      `${words(data.minidumps)} minidumps, ${words(data.pdbs)} PDBs, ${words(data.exes)} EXEs deleted`,
      typeof data.freed_bytes === 'number' ? shownBytes(data.freed_bytes) : '',
      dumps(data.no_longer_debuggable, 'cannot be debugged any more'),
    ]),
};

/** What this version knows nothing of: whatever of it is one word or number. */
function anything(data: Data): string {
  const scalars = Object.entries(data).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return scalars.map(([name, value]) => `${name}=${value}`).join(' ');
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('  ');
}

function words(...values: readonly unknown[]): string {
  return values.filter((value) => typeof value === 'string' || typeof value === 'number').join(' ');
}

function id(value: unknown): string {
  return typeof value === 'string' ? `(${value})` : '';
}

function exception(code: unknown): string {
  if (typeof code !== 'string') return '';
  const name = exceptionName('windows', Number(code));
  return name === null ? code : `${code} ${name}`;
}

function dumps(count: unknown, what: string): string {
  if (typeof count !== 'number' || count === 0) return '';
  return `${count} ${count === 1 ? 'dump' : 'dumps'} ${what}`;
}
