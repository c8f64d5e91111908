/** The operations on tokens: keys with a scope and an end, for CI and for people. */
import * as z from 'zod';
import { defineOperations } from '../operation.ts';
import { scopes } from '../platform/access.ts';
import { parseEnd } from '../platform/clock.ts';

const EXPECTED_END = 'expected a span such as 30d, or an ISO 8601 time';
/** The last second that ISO 8601 can write with four digits for the year. */
const END_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59);

const tokenId = z
  .string()
  .regex(/^[a-z0-9]{8,32}$/, 'expected a token ID as `chs token list` shows it')
  .describe('The ID of the token');

const token = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(scopes),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
});

export const accessOperations = defineOperations({
  createToken: {
    summary: 'Make a token',
    description: 'The token is in this reply and nowhere else; only its hash is stored.',
    method: 'POST',
    path: '/tokens',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        name: z
          .string()
          .regex(
            /^[\p{L}\p{N} ._@/+-]{1,64}$/u,
            'expected 1 to 64 letters, digits, spaces or any of . _ @ / + -',
          )
          .describe('What it is for, such as ci-upload'),
        scope: z
          .enum(scopes)
          .default('read')
          .describe(
            'What it may do: symbols (read from the symbol server), submit (send crashes to /submit), read, write (and read), or admin (everything)',
          ),
        expires: z
          .string()
          .max(40)
          .refine((text) => parseEnd(text, Date.now()) <= END_MS_MAX, { error: EXPECTED_END, abort: true })
          .refine((text) => parseEnd(text, Date.now()) > Date.now(), 'this time has passed')
          .optional()
          .describe('When it ends: a span such as 12h, 30d or 1y, or an ISO 8601 time; never when left out'),
      }),
    output: () =>
      z.object({
        id: z.string(),
        name: z.string(),
        scope: z.enum(scopes),
        token: z.string(),
        expires_at: z.string().nullable(),
      }),
    errors: ['STORAGE_FULL'],
  },
  listTokens: {
    summary: 'List tokens, newest first',
    method: 'GET',
    path: '/tokens',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({}),
    output: () => z.object({ tokens: z.array(token) }),
    errors: [],
  },
  revokeToken: {
    summary: 'Revoke a token at once',
    method: 'DELETE',
    path: '/tokens/{id}',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({ id: tokenId }),
    output: () => z.object({ revoked: z.literal(true), id: z.string() }),
    errors: ['TOKEN_NOT_FOUND', 'STORAGE_FULL'],
  },
});
