/** Uploads of minidumps, PDBs and EXEs. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import {
  annotations,
  fileName,
  guid,
  hexAddress,
  hexCode,
  instant,
  uint32,
  uploadReply,
  version,
} from '../fields.ts';

export const uploadErrors = [
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
  'ANNOTATION_LIMIT',
  'TOO_BUSY',
  'CALLER_GONE',
  'REQUEST_TIMEOUT',
  'STORAGE_FULL',
  'STORAGE_UNWRITABLE',
] as const;

/** What the uploads reply. */
export const minidumpUploaded = () =>
  z.object({
    minidump_id: z.string(),
    ...uploadReply(),
    exe_age: z.number().nullable(),
    exception_code: z.string().nullable(),
    signature: z.string().nullable(),
    debuggable: z.boolean().describe('The PDB that it needs is stored'),
  });

export const pdbUploaded = () =>
  z.object({
    pdb_id: z.string(),
    ...uploadReply(),
    exe_age: z.number().nullable(),
    pdb_filename: z.string().nullable(),
    newly_debuggable: z.number().describe('Stored dumps that had to wait for it'),
  });

export const exeUploaded = () =>
  z.object({
    exe_id: z.string(),
    ...uploadReply(),
    exe_age: z.number().nullable(),
    exe_filename: z.string().nullable(),
    newly_debuggable: z.number().describe('Stored dumps that had to wait for it'),
  });

export const uploadOperations = defineOperations({
  uploadMinidump: {
    summary: 'Store a minidump',
    description: 'Fields left out are read from the file. The same bytes again give the same ID.',
    method: 'POST',
    path: '/upload/minidump',
    dialect: 'crash',
    access: 'write',
    body: { part: 'minidump', limit: 'storage.max_minidump_size' },
    input: () =>
      z.object({
        timestamp: instant().optional().describe('When it crashed (ISO 8601)'),
        exe_version: version().optional().describe('Version of the EXE'),
        exe_guid: guid().optional().describe("GUID of the EXE's PDB"),
        exe_age: uint32().optional().describe("Age of the EXE's PDB"),
        pid: uint32().optional().describe('Process that crashed'),
        tid: uint32().optional().describe('Thread that crashed'),
        exception_code: hexCode().optional().describe('Exception code, hexadecimal'),
        exception_address: hexAddress().optional().describe('Address of the exception, hexadecimal'),
        annotations: annotations().optional().describe('Whatever else is to be kept beside it, by name'),
      }),
    output: minidumpUploaded,
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
    input: () =>
      z.object({
        exe_version: version().optional().describe('Version of the EXE that it belongs to'),
        exe_guid: guid().optional().describe('GUID, when the file cannot say it'),
        exe_age: uint32().optional().describe('Age, when the file cannot say it'),
        pdb_filename: fileName().optional().describe('Name under which debuggers look for it'),
      }),
    output: pdbUploaded,
    errors: uploadErrors,
  },
  uploadExe: {
    summary: 'Store an EXE or DLL',
    method: 'POST',
    path: '/upload/exe',
    dialect: 'crash',
    access: 'write',
    body: { part: 'exe', limit: 'storage.max_exe_size' },
    input: () =>
      z.object({
        exe_version: version().optional().describe('Version, when the file has no version resource'),
        exe_guid: guid().optional().describe('GUID of its PDB, when the file cannot say it'),
        exe_filename: fileName().optional().describe('Name under which debuggers look for it'),
      }),
    output: exeUploaded,
    errors: uploadErrors,
  },
});
