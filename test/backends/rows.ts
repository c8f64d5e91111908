/** Rows for store tests: complete, with only what matters spelled out; and chance that can be repeated. */
import { createHash, randomUUID } from 'node:crypto';
import type { ExeRow, FileRow, MinidumpRow, PdbRow } from '../../src/crash/store.ts';

let made = 0;

function fileRow(folder: string): FileRow {
  made += 1;
  return {
    id: randomUUID(),
    exe_version: null,
    exe_guid: null,
    file_path: `./storage/${folder}/1.0/a_1/file-${made}`,
    guid_key: null,
    parsed_guid_key: null,
    parsed_age: null,
    parsed_version: null,
    state: 'unparsed',
    size_bytes: 1,
    sha256: createHash('sha256').update(`file ${made}`).digest('hex'),
    declared: null,
    parsed: null,
    warnings: '[]',
  };
}

export function minidumpRow(given: Partial<MinidumpRow> = {}): MinidumpRow {
  return {
    ...fileRow('minidumps'),
    timestamp: null,
    exe_age: null,
    pid: null,
    tid: null,
    exception_code: null,
    exception_address: null,
    created_at: '2026-01-06T12:34:56Z',
    timestamp_ms: 0,
    exe_name: null,
    time_date_stamp: null,
    size_of_image: null,
    created_ms: Date.parse('2026-01-06T12:34:56Z'),
    signature: null,
    serial: null,
    key_module_id: null,
    ...given,
  };
}

export function pdbRow(given: Partial<PdbRow> = {}): PdbRow {
  return {
    ...fileRow('pdbs'),
    exe_age: null,
    pdb_filename: 'app.pdb',
    uploaded_at: '2026-01-06T12:34:56Z',
    uploaded_ms: 0,
    format: 'msf',
    ...given,
  };
}

export function exeRow(given: Partial<ExeRow> = {}): ExeRow {
  return {
    ...fileRow('exes'),
    exe_age: null,
    exe_filename: 'app.exe',
    uploaded_at: '2026-01-06T12:34:56Z',
    uploaded_ms: 0,
    time_date_stamp: null,
    size_of_image: null,
    ...given,
  };
}

/** `guidKey(10)` is the 32 digits that end in A. */
export const guidKey = (number: number): string => number.toString(16).toUpperCase().padStart(32, '0');

/** Mulberry32, by T. Ettinger: the same seed gives the same numbers, each from 0 up to 1. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
