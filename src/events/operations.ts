/** The event operations: what happens to the stored files, as it happens. */
import * as z from 'zod';
import { defineOperations } from '../operation.ts';

const TYPE = '[a-z]+(?:_[a-z]+)*';
/** Types by name, or all of one thing: `pdb.uploaded,minidump.*` */
const TYPES = new RegExp(`^${TYPE}\\.(?:${TYPE}|\\*)(?:,${TYPE}\\.(?:${TYPE}|\\*))*$`);

/** Given in the place of events that are not kept any more, with the bounds of what was missed. */
export const EVENTS_LOST = 'events.lost';

export const eventOperations = defineOperations({
  watchEvents: {
    summary: 'Watch what happens to the stored files',
    description:
      'A stream of events (text/event-stream) that goes on until the caller ends it. Without `after`, and without the header ' +
      `Last-Event-ID, which wins, only what happens from now on. \`${EVENTS_LOST}\` stands for events that are not kept any more.`,
    method: 'GET',
    path: '/events',
    dialect: 'crash',
    access: 'read',
    input: () =>
      z.object({
        after: z.int().min(0).optional().describe('First what happened after the event with this ID'),
        types: z
          .string()
          .max(400)
          .regex(TYPES, 'expected types of events such as pdb.uploaded,minidump.*')
          .optional()
          .describe('Only events of these types, such as pdb.uploaded,minidump.*'),
      }),
    output: null,
    stream: () =>
      z.object({
        id: z.int(),
        type: z.string(),
        at: z.iso.datetime(),
        data: z.record(z.string(), z.unknown()),
      }),
    errors: ['TOO_BUSY'],
  },
});
