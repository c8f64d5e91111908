/** All that an offline debugger needs of a dump, in one file. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { id } from '../fields.ts';

export const bundleOperations = defineOperations({
  getBundle: {
    summary: 'Download a minidump with its symbols and a script that opens it',
    description:
      'A zip archive: the dump, the stored PDBs, EXEs and DLLs of its modules as a symbol store, open.cmd, which starts WinDbg on them, and manifest.json, which says what is missing and why.',
    method: 'GET',
    path: '/minidumps/{id}/bundle',
    dialect: 'crash',
    access: 'read',
    input: () => z.object({ id: id() }),
    output: null,
    errors: ['MINIDUMP_NOT_FOUND', 'FILE_MISSING', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  },
});
