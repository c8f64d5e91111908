/** Crash submission as the clients of Breakpad, Crashpad and Mozilla do it. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { uploadErrors } from './uploads.ts';

export const submitOperations = defineOperations({
  submitCrash: {
    summary: 'Submit a crash as Breakpad, Crashpad and Mozilla clients do',
    description:
      'All parts but the minidump are annotations, as are the members of the JSON part "extra" and the query; a file that is text is one, too. With a raw minidump as the body the query alone is. The key may stand in the query as "key". The reply is CrashID=ID, or for what will never be taken Discarded=REASON; without that word the client may try again.',
    method: 'POST',
    path: '/submit',
    dialect: 'submit',
    access: 'submit',
    keyInQuery: true,
    body: { part: 'upload_file_minidump', limit: 'storage.max_minidump_size', annotated: true },
    input: () => z.object({}).catchall(z.string()),
    output: () => z.object({ crash_id: z.string().describe('The ID of the stored minidump') }),
    errors: [...uploadErrors, 'INVALID_ANNOTATIONS'],
  },
});
