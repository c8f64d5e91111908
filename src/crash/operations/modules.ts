/** What dumps need and what they have in common: files of their modules, wanted PDBs, signatures. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { exeSummary, guid, id, instant, pdbSummary, uint32, versionFilter } from '../fields.ts';

const limit = (most: number, usual: number, of: string) =>
  z.number().int().min(1).max(most).default(usual).describe(of).meta({ short: 'n' });

const identity = () => ({
  name: z.string().nullable(),
  version: z.string().nullable(),
  pdb_name: z.string().nullable(),
  guid: z.string().nullable(),
  age: z.number().nullable(),
  code_id: z.string().nullable().describe('TimeDateStamp and SizeOfImage, as symbol stores write them'),
  system: z.boolean().describe('Part of the operating system: its symbols are its maker’s'),
});

const moduleFiles = () =>
  z.object({
    index: z.number().nullable().describe('Its place in the dump; null for what was only declared'),
    ...identity(),
    pdb: pdbSummary().nullable(),
    exe: exeSummary().nullable(),
    missing: z.array(z.enum(['pdb', 'exe'])),
    reason: z.string().nullable().describe('Why the PDB is missing'),
  });

const moduleMatch = () =>
  moduleFiles().extend({
    program: z.boolean(),
    crashed: z.boolean().describe('The address of the exception is in it'),
  });

/** A module as a dump that is not stored lists it. */
const askedModule = () =>
  z.object({
    name: z.string().max(1024).nullable().describe('File name of the image'),
    pdb_name: z.string().max(1024).nullable().default(null).describe('File name of its PDB'),
    version: z.string().max(64).nullable().default(null),
    guid: guid().nullable().default(null),
    age: uint32().nullable().default(null),
    time_date_stamp: uint32().nullable().default(null),
    size_of_image: uint32().nullable().default(null),
    system: z.boolean().default(false),
  });

const topEntry = () =>
  z.object({
    signature: z.string(),
    exception_code: z.string(),
    exception_name: z.string().nullable(),
    module: z.string().nullable(),
    offset: z.string().nullable(),
    count: z.number(),
    first_seen: z.string(),
    last_seen: z.string(),
    last_minidump_id: z.string(),
    versions: z.array(z.object({ version: z.string().nullable(), count: z.number() })),
    trend: z.array(z.number()).describe('Dumps a day (UTC), the last one today'),
    change: z
      .enum(['new', 'rising', 'steady', 'falling', 'quiet'])
      .describe('The later half of the trend against the earlier one'),
  });

const wantedEntry = () =>
  z.object({
    kind: z.enum(['pdb', 'exe']),
    file: z.string().nullable().describe('The name under which debuggers look for it'),
    key: z.string().describe('Its folder in a symbol store'),
    guid: z.string().nullable(),
    age: z.number().nullable(),
    module: z.string().nullable(),
    version: z.string().nullable(),
    system: z.boolean(),
    dump_count: z.number().describe('Stored dumps that list it'),
    debuggable_count: z.number().describe('Dumps that would become debuggable'),
    request_count: z.number().describe('Times that a debugger asked for it in vain'),
    first_seen: z.string(),
    last_seen: z.string(),
  });

export const moduleOperations = defineOperations({
  findForMinidump: {
    summary: 'Find the PDBs and EXEs of all modules of a minidump',
    method: 'GET',
    path: '/find/for-minidump/{id}',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: () =>
      z.object({
        minidump_id: z.string(),
        debuggable: z.boolean().describe('The PDB of the module that decides is stored'),
        decisive: z
          .number()
          .nullable()
          .describe(
            'Which entry decides: the module that crashed, or the program where that is the system’s',
          ),
        modules: z.array(moduleMatch()),
        with_pdb: z.number(),
        without_pdb: z.number(),
      }),
    errors: ['MINIDUMP_NOT_FOUND'],
  },
  findForModules: {
    summary: 'Find the PDBs and EXEs of the modules of a minidump that is not stored',
    method: 'POST',
    path: '/find/for-modules',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ modules: z.array(askedModule()).max(500) }),
    output: () => z.object({ modules: z.array(moduleFiles()) }),
    errors: [],
  },
  listSignatures: {
    summary: 'List the most frequent crashes',
    description:
      'Dumps with the same exception at the same place of the same module are one crash; no symbols are needed to tell.',
    method: 'GET',
    path: '/list/signatures',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        start_time: instant().optional().describe('Only crashes at or after this time (ISO 8601)'),
        end_time: instant().optional().describe('Only crashes at or before this time (ISO 8601)'),
        version: versionFilter(),
        trend_days: z.number().int().min(2).max(90).default(14).describe('Days that the trend shows'),
        limit: limit(100, 10, 'Crashes to list, at most 100'),
      }),
    output: () =>
      z.object({
        crashes: z.array(topEntry()),
        total: z.number().describe('Different crashes'),
        minidumps: z.number().describe('Dumps that were looked at'),
        unsigned: z.number().describe('Dumps without an exception, which are none of the crashes'),
        unindexed: z.number().describe('Dumps of an earlier server that are not counted yet'),
        trend_start: z.string(),
      }),
    errors: [],
  },
  listWanted: {
    summary: 'List the PDBs that are missing, the most wanted first',
    description:
      'Wanted are PDBs of modules that stored dumps list, and files that debuggers asked the symbol server for in vain.',
    method: 'GET',
    path: '/list/wanted',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        system: z
          .boolean()
          .default(false)
          .describe('Also those of the operating system, which its maker’s symbol server has'),
        limit: limit(500, 20, 'Files to list, at most 500'),
      }),
    output: () =>
      z.object({
        wanted: z.array(wantedEntry()),
        total: z.number().describe('Modules without a PDB'),
        system_total: z.number().describe('Modules of the operating system without a PDB'),
        unindexed: z.number().describe('Dumps of an earlier server that are not counted yet'),
      }),
    errors: [],
  },
});
