/** Lookups by identity: which file belongs to which. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import {
  exeSummary,
  fileName,
  guid,
  hexCode,
  identityState,
  pdbSummary,
  sha256,
  uint32,
  version,
} from '../fields.ts';
import { exeUploaded, minidumpUploaded, pdbUploaded } from './uploads.ts';

export const lookupOperations = defineOperations({
  findMatchingPdb: {
    summary: 'Find the PDB of an EXE',
    description:
      'By GUID and age, or by the TimeDateStamp and SizeOfImage of a stored EXE, and its name where several have the same. The version chooses among several and is never required.',
    method: 'GET',
    path: '/find/matching-pdb',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        exe_version: version().optional().describe('Version of the EXE'),
        exe_guid: guid().optional().describe("GUID of the EXE's PDB"),
        exe_age: uint32().optional().describe("Age of the EXE's PDB"),
        exe_time_date_stamp: hexCode().optional().describe('TimeDateStamp of the EXE, hexadecimal'),
        exe_size_of_image: hexCode().optional().describe('SizeOfImage of the EXE, hexadecimal'),
        exe_filename: fileName().optional().describe('Name of the EXE, beside the two before'),
      }),
    output: () => z.object({ pdb: pdbSummary(), message: z.string() }),
    errors: ['NO_MATCHING_PDB'],
  },
  findExeByGuid: {
    summary: 'Find an EXE by the GUID of its PDB',
    method: 'GET',
    path: '/find/exe-by-guid',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ exe_guid: guid().describe("GUID of the EXE's PDB") }),
    output: () => z.object({ exe: exeSummary(), message: z.string() }),
    errors: ['NO_MATCHING_EXE'],
  },
  findBySha256: {
    summary: 'Find a stored file by its SHA-256',
    description:
      'Tells whether an upload of these bytes would add anything. That they are not stored is an answer like any other (`found` is false). Of what came in a cabinet, the SHA-256 is that of the file inside of it.',
    method: 'GET',
    path: '/find/by-sha256',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        kind: z.enum(['minidump', 'pdb', 'exe']).describe('What kind of file it is'),
        sha256: sha256().describe('SHA-256 of its bytes, hexadecimal'),
      }),
    output: () =>
      z.object({
        found: z.boolean(),
        id: z.string().nullable(),
        state: identityState().nullable(),
        declared: z
          .record(z.string(), z.unknown())
          .nullable()
          .describe('What the client said, as it said it'),
        reply: z
          .union([minidumpUploaded(), pdbUploaded(), exeUploaded()])
          .nullable()
          .describe('What an upload of the bytes replies when it says nothing new of them'),
      }),
    errors: [],
  },
});
