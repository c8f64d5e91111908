/** The log operations: sessions, search, and what is made of what was found. */
import { defineOperations } from '../operation.ts';
import { evidenceOperations } from './operations/evidence.ts';
import { searchOperations } from './operations/search.ts';
import { sessionOperations } from './operations/sessions.ts';

export const logOperations = defineOperations({
  ...sessionOperations,
  ...searchOperations,
  ...evidenceOperations,
});
