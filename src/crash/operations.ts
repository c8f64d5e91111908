/** The crash operations: uploads, downloads, lists and lookups of minidumps, PDBs and EXEs (the wire contract). */
import * as z from 'zod';
import { defineOperations } from '../operation.ts';
import { parseInstant } from '../platform/clock.ts';

const UINT32_MAX = 0xffff_ffff;

const id = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'expected an ID as the upload gave it')
  .describe('The ID that the upload gave');
const guid = z
  .string()
  .regex(
    /^(?:\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?|[0-9a-fA-F]{32})$/,
    'expected a GUID such as 12345678-1234-1234-1234-1234567890AB',
  );
const uint32 = z.number().int().min(0).max(UINT32_MAX);
const instant = z
  .string()
  .max(40)
  .refine(isInstant, 'expected an ISO 8601 date and time such as 2026-01-06T12:34:56Z')
  .meta({ format: 'date-time' });
const hexCode = z
  .string()
  .regex(/^(0[xX])?[0-9a-fA-F]{1,8}$/, 'expected a hexadecimal code such as 0xC0000005');
const hexAddress = z
  .string()
  .regex(/^(0[xX])?[0-9a-fA-F]{1,16}$/, 'expected a hexadecimal address such as 0x00007FF6A0001000');
const version = z.string().min(1).max(64);
const fileName = z.string().min(1).max(255);

function isInstant(text: string): boolean {
  return !Number.isNaN(parseInstant(text));
}

/** Whether what the client declared agrees with what the bytes say. */
export const identityState = z.enum(['verified', 'mismatch', 'unparsed']);

const uploadReply = {
  file_path: z.string().describe('Where it is stored, relative to the parent of the storage root'),
  deduplicated: z.boolean().describe('True when the very same bytes were stored before'),
  state: identityState,
  sha256: z.string(),
  size_bytes: z.number(),
  exe_version: z.string().nullable(),
  exe_guid: z.string().nullable(),
  warnings: z.array(z.string()),
};

const identity = z.object({
  exe_version: z.string().nullable().optional(),
  exe_guid: z.string().nullable().optional(),
  exe_age: z.number().nullable().optional(),
});

const storedFile = {
  id: z.string(),
  exe_version: z.string().nullable(),
  exe_guid: z.string().nullable(),
  file_path: z.string(),
  state: identityState.nullable(),
  size_bytes: z.number().nullable(),
  sha256: z.string().nullable(),
  declared: identity.catchall(z.unknown()).nullable().describe('What the client said, as it said it'),
  parsed: identity.catchall(z.unknown()).nullable().describe('What the bytes say'),
  warnings: z.array(z.string()),
};

export const minidumpSummary = z.object({
  ...storedFile,
  timestamp: z.string().nullable(),
  exe_age: z.number().nullable(),
  pid: z.number().nullable(),
  tid: z.number().nullable(),
  exception_code: z.string().nullable(),
  exception_address: z.string().nullable(),
  exe_name: z.string().nullable(),
  created_at: z.string(),
});

export const pdbSummary = z.object({
  ...storedFile,
  exe_age: z.number().nullable(),
  pdb_filename: z.string().nullable(),
  uploaded_at: z.string(),
});

export const exeSummary = z.object({
  ...storedFile,
  exe_age: z.number().nullable(),
  exe_filename: z.string().nullable(),
  time_date_stamp: z.string().nullable(),
  size_of_image: z.number().nullable(),
  uploaded_at: z.string(),
});

const page = {
  page: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(1)
    .describe('Page number, from 1')
    .meta({ short: 'p' }),
  page_size: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe('Rows per page, at most 100')
    .meta({ short: 'n' }),
};
const pageReply = { page: z.number(), page_size: z.number(), total: z.number() };

const uploadErrors = [
  'INVALID_METADATA',
  'NOT_MULTIPART',
  'BAD_MULTIPART',
  'MISSING_PART',
  'UNKNOWN_PART',
  'REPEATED_PART',
  'BODY_TRUNCATED',
  'BAD_ENCODING',
  'UNSUPPORTED_ENCODING',
  'EMPTY_FILE',
  'FILE_TOO_LARGE',
  'WRONG_FILE_TYPE',
  'UNSUPPORTED_FORMAT',
  'UNPARSABLE_FILE',
  'IDENTITY_MISMATCH',
  'UNSAFE_NAME',
  'TOO_BUSY',
  'CALLER_GONE',
  'REQUEST_TIMEOUT',
  'STORAGE_FULL',
  'STORAGE_UNWRITABLE',
] as const;

const versionFilter = version.optional().describe('Only this EXE version').meta({ short: 'V' });
const guidFilter = guid
  .optional()
  .describe('Only this EXE GUID, in any case, with or without dashes')
  .meta({ short: 'g' });

export const crashOperations = defineOperations({
  uploadMinidump: {
    summary: 'Store a minidump',
    description: 'Fields left out are read from the file. The same bytes again give the same ID.',
    method: 'POST',
    path: '/upload/minidump',
    dialect: 'crash',
    access: 'write',
    body: { part: 'minidump', limit: 'storage.max_minidump_size' },
    input: z.object({
      timestamp: instant.optional().describe('When it crashed (ISO 8601)'),
      exe_version: version.optional().describe('Version of the EXE'),
      exe_guid: guid.optional().describe("GUID of the EXE's PDB"),
      exe_age: uint32.optional().describe("Age of the EXE's PDB"),
      pid: uint32.optional().describe('Process that crashed'),
      tid: uint32.optional().describe('Thread that crashed'),
      exception_code: hexCode.optional().describe('Exception code, hexadecimal'),
      exception_address: hexAddress.optional().describe('Address of the exception, hexadecimal'),
    }),
    output: z.object({
      minidump_id: z.string(),
      ...uploadReply,
      exe_age: z.number().nullable(),
      exception_code: z.string().nullable(),
    }),
    errors: uploadErrors,
  },
  uploadPdb: {
    summary: 'Store a PDB',
    description: 'GUID and age are read from the file; the age is the DBI stream’s, which debuggers compare.',
    method: 'POST',
    path: '/upload/pdb',
    dialect: 'crash',
    access: 'write',
    body: { part: 'pdb', limit: 'storage.max_pdb_size' },
    input: z.object({
      exe_version: version.optional().describe('Version of the EXE that it belongs to'),
      exe_guid: guid.optional().describe('GUID, when the file cannot say it'),
      exe_age: uint32.optional().describe('Age, when the file cannot say it'),
      pdb_filename: fileName.optional().describe('Name under which debuggers look for it'),
    }),
    output: z.object({
      pdb_id: z.string(),
      ...uploadReply,
      exe_age: z.number().nullable(),
      pdb_filename: z.string().nullable(),
    }),
    errors: uploadErrors,
  },
  uploadExe: {
    summary: 'Store an EXE or DLL',
    method: 'POST',
    path: '/upload/exe',
    dialect: 'crash',
    access: 'write',
    body: { part: 'exe', limit: 'storage.max_exe_size' },
    input: z.object({
      exe_version: version.optional().describe('Version, when the file has no version resource'),
      exe_guid: guid.optional().describe('GUID of its PDB, when the file cannot say it'),
      exe_filename: fileName.optional().describe('Name under which debuggers look for it'),
    }),
    output: z.object({
      exe_id: z.string(),
      ...uploadReply,
      exe_age: z.number().nullable(),
      exe_filename: z.string().nullable(),
    }),
    errors: uploadErrors,
  },
  downloadMinidump: {
    summary: 'Download a minidump',
    method: 'GET',
    path: '/download/minidump/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: null,
    errors: ['MINIDUMP_NOT_FOUND', 'FILE_MISSING', 'RANGE_NOT_SATISFIABLE'],
  },
  downloadPdb: {
    summary: 'Download a PDB',
    method: 'GET',
    path: '/download/pdb/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: null,
    errors: ['PDB_NOT_FOUND', 'FILE_MISSING', 'RANGE_NOT_SATISFIABLE'],
  },
  downloadExe: {
    summary: 'Download an EXE or DLL',
    method: 'GET',
    path: '/download/exe/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: null,
    errors: ['EXE_NOT_FOUND', 'FILE_MISSING', 'RANGE_NOT_SATISFIABLE'],
  },
  listMinidumps: {
    summary: 'List minidumps, newest crash first',
    method: 'GET',
    path: '/list/minidumps',
    dialect: 'crash',
    access: 'read',
    input: z.object({
      version: versionFilter,
      guid: guidFilter,
      start_time: instant.optional().describe('Only crashes at or after this time (ISO 8601)'),
      end_time: instant.optional().describe('Only crashes at or before this time (ISO 8601)'),
      exception_code: hexCode.optional().describe('Only this exception code, hexadecimal'),
      q: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe('Only rows whose program name, version, GUID or ID holds this text'),
      ...page,
    }),
    output: z.object({ minidumps: z.array(minidumpSummary), ...pageReply }),
    errors: [],
  },
  listPdbs: {
    summary: 'List PDBs, newest upload first',
    method: 'GET',
    path: '/list/pdbs',
    dialect: 'crash',
    access: 'read',
    input: z.object({
      version: versionFilter,
      guid: guidFilter,
      name: fileName.optional().describe('Only this file name'),
      ...page,
    }),
    output: z.object({ pdbs: z.array(pdbSummary), ...pageReply }),
    errors: [],
  },
  listExes: {
    summary: 'List EXEs and DLLs, newest upload first',
    method: 'GET',
    path: '/list/exes',
    dialect: 'crash',
    access: 'read',
    input: z.object({
      version: versionFilter,
      guid: guidFilter,
      name: fileName.optional().describe('Only this file name'),
      ...page,
    }),
    output: z.object({ exes: z.array(exeSummary), ...pageReply }),
    errors: [],
  },
  getMinidump: {
    summary: 'Show all that is known of a minidump',
    method: 'GET',
    path: '/minidumps/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: z.object({ minidump: minidumpSummary, details: z.record(z.string(), z.unknown()).nullable() }),
    errors: ['MINIDUMP_NOT_FOUND'],
  },
  getPdb: {
    summary: 'Show all that is known of a PDB',
    method: 'GET',
    path: '/pdbs/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: z.object({ pdb: pdbSummary }),
    errors: ['PDB_NOT_FOUND'],
  },
  getExe: {
    summary: 'Show all that is known of an EXE or DLL',
    method: 'GET',
    path: '/exes/{id}',
    dialect: 'crash',
    access: 'read',
    input: z.object({ id }),
    output: z.object({ exe: exeSummary }),
    errors: ['EXE_NOT_FOUND'],
  },
  deleteMinidump: {
    summary: 'Delete a minidump and its file',
    method: 'DELETE',
    path: '/minidumps/{id}',
    dialect: 'crash',
    access: 'admin',
    input: z.object({ id }),
    output: z.object({ deleted: z.literal(true), id: z.string() }),
    errors: ['MINIDUMP_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
  deletePdb: {
    summary: 'Delete a PDB and its file',
    method: 'DELETE',
    path: '/pdbs/{id}',
    dialect: 'crash',
    access: 'admin',
    input: z.object({ id }),
    output: z.object({ deleted: z.literal(true), id: z.string() }),
    errors: ['PDB_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
  deleteExe: {
    summary: 'Delete an EXE or DLL and its file',
    method: 'DELETE',
    path: '/exes/{id}',
    dialect: 'crash',
    access: 'admin',
    input: z.object({ id }),
    output: z.object({ deleted: z.literal(true), id: z.string() }),
    errors: ['EXE_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
  findMatchingPdb: {
    summary: 'Find the PDB of an EXE',
    description:
      'By GUID and age, or by the TimeDateStamp and SizeOfImage of a stored EXE. The version chooses among several and is never required.',
    method: 'GET',
    path: '/find/matching-pdb',
    dialect: 'crash',
    access: 'read',
    input: z.object({
      exe_version: version.optional().describe('Version of the EXE'),
      exe_guid: guid.optional().describe("GUID of the EXE's PDB"),
      exe_age: uint32.optional().describe("Age of the EXE's PDB"),
      exe_time_date_stamp: hexCode.optional().describe('TimeDateStamp of the EXE, hexadecimal'),
      exe_size_of_image: hexCode.optional().describe('SizeOfImage of the EXE, hexadecimal'),
    }),
    output: z.object({ pdb: pdbSummary, message: z.string() }),
    errors: ['NO_MATCHING_PDB'],
  },
  findExeByGuid: {
    summary: 'Find an EXE by the GUID of its PDB',
    method: 'GET',
    path: '/find/exe-by-guid',
    dialect: 'crash',
    access: 'read',
    input: z.object({ exe_guid: guid.describe("GUID of the EXE's PDB") }),
    output: z.object({ exe: exeSummary, message: z.string() }),
    errors: ['NO_MATCHING_EXE'],
  },
});
