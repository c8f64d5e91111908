/** Lists of what is stored. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import {
  exeSummary,
  fileName,
  guidFilter,
  hexCode,
  instant,
  minidumpSummary,
  page,
  pageReply,
  pdbSummary,
  versionFilter,
} from '../fields.ts';

export const listOperations = defineOperations({
  listMinidumps: {
    summary: 'List minidumps, newest crash first',
    method: 'GET',
    path: '/list/minidumps',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        version: versionFilter(),
        guid: guidFilter(),
        start_time: instant().optional().describe('Only crashes at or after this time (ISO 8601)'),
        end_time: instant()
          .optional()
          .describe('Only crashes at or before this time (ISO 8601; a date alone is its midnight)'),
        exception_code: hexCode().optional().describe('Only this exception code, hexadecimal'),
        signature: z
          .string()
          .min(1)
          .max(256)
          .optional()
          .describe('Only this crash, as `chs dump top` names it'),
        debuggable: z.boolean().optional().describe('Only dumps whose PDB is stored'),
        annotation: z
          .string()
          .min(1)
          .max(1000)
          .optional()
          .describe('Only dumps with this annotation: NAME, or NAME=VALUE for one value'),
        q: z
          .string()
          .min(1)
          .max(200)
          .optional()
          .describe(
            'Only rows whose program name, version, GUID or ID holds this text, or one of its annotations',
          ),
        ...page(),
      }),
    output: () => z.object({ minidumps: z.array(minidumpSummary()), ...pageReply() }),
    errors: [],
  },
  listPdbs: {
    summary: 'List PDBs, newest upload first',
    method: 'GET',
    path: '/list/pdbs',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        version: versionFilter(),
        guid: guidFilter(),
        name: fileName().optional().describe('Only this file name'),
        ...page(),
      }),
    output: () => z.object({ pdbs: z.array(pdbSummary()), ...pageReply() }),
    errors: [],
  },
  listExes: {
    summary: 'List EXEs and DLLs, newest upload first',
    method: 'GET',
    path: '/list/exes',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        version: versionFilter(),
        guid: guidFilter(),
        name: fileName().optional().describe('Only this file name'),
        ...page(),
      }),
    output: () => z.object({ exes: z.array(exeSummary()), ...pageReply() }),
    errors: [],
  },
});
