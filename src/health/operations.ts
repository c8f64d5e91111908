/** The health operations: is the process there, and can it do its work. */
import * as z from 'zod';
import { defineOperations } from '../operation.ts';

export const healthOperations = defineOperations({
  health: {
    summary: 'Say that the server answers',
    method: 'GET',
    path: '/health',
    dialect: 'plain',
    access: 'public',
    input: () => z.object({}),
    output: () => z.object({ status: z.literal('healthy') }),
    errors: [],
  },
  live: {
    summary: 'Say that the process is alive',
    method: 'GET',
    path: '/health/live',
    dialect: 'plain',
    access: 'public',
    input: () => z.object({}),
    output: () => z.object({ status: z.literal('alive') }),
    errors: [],
  },
  ready: {
    summary: 'Say whether every part can do its work',
    description: 'Answers 503 and names the failing part when one cannot.',
    method: 'GET',
    path: '/health/ready',
    dialect: 'plain',
    access: 'public',
    input: () => z.object({}),
    output: () =>
      z.object({
        status: z.enum(['ready', 'not_ready']),
        components: z.array(
          z.object({ name: z.string(), status: z.enum(['ok', 'failed']), reason: z.string().optional() }),
        ),
      }),
    errors: [],
  },
});
