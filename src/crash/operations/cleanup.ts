/** Retention: deleting what is old, and what takes too much room. */
import * as z from 'zod';
import { defineOperations } from '../../operation.ts';
import { parseSpan } from '../../platform/clock.ts';
import { parseSize } from '../../platform/size.ts';
import { instant } from '../fields.ts';

const total = () =>
  z.object({
    files: z.number(),
    bytes: z.number(),
    oldest: z.string().nullable().describe('Arrival of the oldest of them'),
    newest: z.string().nullable().describe('Arrival of the newest of them'),
  });

const amount = () => z.object({ files: z.number(), bytes: z.number() });

export const cleanupOperations = defineOperations({
  prune: {
    summary: 'Delete old minidumps, and PDBs and EXEs that none needs any more',
    description:
      'By the limits of the configuration (cleanup) or those given here. One request deletes for some seconds and says what ' +
      'remains; asked again with the same `as_of`, it goes on with the same plan. With `plan` it changes nothing.',
    method: 'POST',
    path: '/prune',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        plan: z.boolean().default(false).describe('Only say what would go'),
        max_age: z
          .string()
          .refine(
            (text) => text === '0' || !Number.isNaN(parseSpan(text)),
            'expected a span such as 90d, 12w or 2y',
          )
          .optional()
          .describe('Delete what arrived longer ago (90d, 12w, 2y; 0 for no limit)'),
        max_size: z
          .string()
          .refine(
            (text) => !Number.isNaN(parseSize(text)),
            'expected a size such as 50GB, or a number of bytes',
          )
          .optional()
          .describe('Delete the oldest until all files together take no more (50GB; 0 for no limit)'),
        symbols: z.boolean().optional().describe('Whether PDBs and EXEs that no minidump needs go, too'),
        as_of: instant().optional().describe('Count ages back from this time, and leave what arrived later'),
      }),
    output: () =>
      z.object({
        plan: z.boolean(),
        as_of: z.string(),
        policy: z.object({
          max_age_ms: z.number().nullable(),
          max_size_bytes: z.number().nullable(),
          symbols: z.boolean(),
        }),
        minidumps: total(),
        pdbs: total(),
        exes: total(),
        no_longer_debuggable: z.number().describe('Minidumps that stay and lose their symbols'),
        stored: amount().describe('All that was stored before'),
        unindexed: z
          .number()
          .describe('Minidumps not looked through yet; while there are some, PDBs and EXEs stay'),
        max_size_waits: z
          .boolean()
          .describe('Whether max_size deletes nothing until all minidumps have been looked through'),
        to_delete: amount().describe('What is still to go'),
      }),
    errors: ['NO_RETENTION_POLICY', 'STORAGE_FULL', 'STORAGE_UNWRITABLE'],
  },
});
