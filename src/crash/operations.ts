/** The crash operations: everything that can be done with minidumps, PDBs and EXEs (the wire contract). */
import { bundleOperations } from './operations/bundle.ts';
import { cleanupOperations } from './operations/cleanup.ts';
import { fileOperations } from './operations/files.ts';
import { listOperations } from './operations/lists.ts';
import { lookupOperations } from './operations/lookups.ts';
import { moduleOperations } from './operations/modules.ts';
import { submitOperations } from './operations/submit.ts';
import { symbolOperations } from './operations/symbol-server.ts';
import { uploadOperations } from './operations/uploads.ts';

export const crashOperations = {
  ...uploadOperations,
  ...submitOperations,
  ...fileOperations,
  ...listOperations,
  ...lookupOperations,
  ...moduleOperations,
  ...symbolOperations,
  ...bundleOperations,
  ...cleanupOperations,
};
