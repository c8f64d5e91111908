/** The metadata of the documents, word for word, and the path that they promise. */
import { files } from './bad-bodies.ts';
import type { FileKind } from './wire.ts';

export const GUID = '12345678-1234-1234-1234-1234567890AB';

export const documented: Record<
  FileKind,
  { metadata: Record<string, unknown>; bytes: Buffer; path: string }
> = {
  minidump: {
    metadata: {
      timestamp: '2026-01-06T12:34:56Z',
      exe_version: '1.0.2.3',
      exe_guid: GUID,
      exe_age: 1,
      pid: 1234,
      tid: 5678,
      exception_code: '0xC0000005',
      exception_address: '0x00007FF6A0001000',
    },
    bytes: files.minidump,
    path: `./storage/minidumps/1.0.2.3/${GUID}_1/crash_20260106123456_1234_5678.dmp`,
  },
  pdb: {
    metadata: { exe_version: '1.0.2.3', exe_guid: GUID, exe_age: 1, pdb_filename: 'MyApp.pdb' },
    bytes: files.pdb,
    path: `./storage/pdbs/1.0.2.3/${GUID}_1/MyApp.pdb`,
  },
  exe: {
    metadata: { exe_version: '1.0.2.3', exe_guid: GUID, exe_filename: 'MyApp.exe' },
    bytes: files.exe,
    path: `./storage/exes/1.0.2.3/${GUID}/MyApp.exe`,
  },
};
