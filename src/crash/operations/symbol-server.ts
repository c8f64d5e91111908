/** The symbol server: files under the paths that debuggers ask for. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';

export const symbolOperations = defineOperations({
  getSymbolFile: {
    summary: 'Give a PDB, an EXE or a DLL as a symbol server does',
    description:
      'For debuggers (.sympath srv*CACHE*http://HOST/symbols): the key is GUID and age of a PDB, or TimeDateStamp and SizeOfImage of an image, in any case. As debuggers send no headers, a token may stand in the path: /s/{token}/{file}/{key}/{name}. What is not there is a 404 in plain text.',
    method: 'GET',
    path: '/symbols/{file}/{key}/{name}',
    dialect: 'symbols',
    access: 'symbols',
    // Debuggers probe for many things: whatever is no path of a symbol file is not there, never wrong.
    input: () =>
      z.object({
        file: z.string().describe('File name, such as app.pdb'),
        key: z.string().describe('GUID and age, or TimeDateStamp and SizeOfImage, hexadecimal'),
        name: z.string().describe('The file name again'),
      }),
    output: null,
    errors: ['SYMBOL_NOT_FOUND', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  },
});
