/** Lookups by identity: which file belongs to which. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { exeSummary, fileName, guid, hexCode, pdbSummary, uint32, version } from '../fields.ts';

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
});
