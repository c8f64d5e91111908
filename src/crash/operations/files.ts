/** One stored file: its bytes, what is known of it, its end. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { exeSummary, id, minidumpSummary, pdbSummary } from '../fields.ts';

export const fileOperations = defineOperations({
  downloadMinidump: {
    summary: 'Download a minidump',
    method: 'GET',
    path: '/download/minidump/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: null,
    errors: ['MINIDUMP_NOT_FOUND', 'FILE_MISSING', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  },
  downloadPdb: {
    summary: 'Download a PDB',
    method: 'GET',
    path: '/download/pdb/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: null,
    errors: ['PDB_NOT_FOUND', 'FILE_MISSING', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  },
  downloadExe: {
    summary: 'Download an EXE or DLL',
    method: 'GET',
    path: '/download/exe/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: null,
    errors: ['EXE_NOT_FOUND', 'FILE_MISSING', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  },
  getMinidump: {
    summary: 'Show all that is known of a minidump',
    method: 'GET',
    path: '/minidumps/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: () =>
      z.object({
        minidump: minidumpSummary(),
        annotations: z
          .array(z.object({ name: z.string(), value: z.string(), source: z.enum(['client', 'dump']) }))
          .describe('Submitted by clients, and written into the dump'),
        details: z.record(z.string(), z.unknown()).nullable(),
      }),
    errors: ['MINIDUMP_NOT_FOUND'],
  },
  getPdb: {
    summary: 'Show all that is known of a PDB',
    method: 'GET',
    path: '/pdbs/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: () => z.object({ pdb: pdbSummary() }),
    errors: ['PDB_NOT_FOUND'],
  },
  getExe: {
    summary: 'Show all that is known of an EXE or DLL',
    method: 'GET',
    path: '/exes/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: () => z.object({ exe: exeSummary() }),
    errors: ['EXE_NOT_FOUND'],
  },
  deleteMinidump: {
    summary: 'Delete a minidump and its file',
    method: 'DELETE',
    path: '/minidumps/{id}',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({ id: id() }),
    output: () => z.object({ deleted: z.literal(true), id: z.string() }),
    errors: ['MINIDUMP_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
  deletePdb: {
    summary: 'Delete a PDB and its file',
    method: 'DELETE',
    path: '/pdbs/{id}',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({ id: id() }),
    output: () =>
      z.object({
        deleted: z.literal(true),
        id: z.string(),
        no_longer_debuggable: z.number().describe('Dumps that are left without symbols'),
      }),
    errors: ['PDB_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
  deleteExe: {
    summary: 'Delete an EXE or DLL and its file',
    method: 'DELETE',
    path: '/exes/{id}',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({ id: id() }),
    output: () =>
      z.object({
        deleted: z.literal(true),
        id: z.string(),
        no_longer_debuggable: z.number().describe('Dumps that are left without symbols'),
      }),
    errors: ['EXE_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
});
