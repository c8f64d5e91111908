/** The fields of the crash operations: each a function, as a schema is made only for whoever uses it. */
import * as z from 'zod';
import { parseInstant } from '../platform/clock.ts';
import { FILE_NAME_CHARS_MAX } from './names.ts';

const UINT32_MAX = 0xffff_ffff;

export const id = () =>
  z
    .string()
    .regex(/^[\w-]{1,64}$/, 'expected an ID as the upload gave it')
    .describe('The ID that the upload gave');
export const guid = () =>
  z
    .string()
    .regex(
      /^(?:\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?|[0-9a-fA-F]{32})$/,
      'expected a GUID such as 12345678-1234-1234-1234-1234567890AB',
    );
export const uint32 = () => z.number().int().min(0).max(UINT32_MAX);
export const instant = () =>
  z
    .string()
    .max(40)
    .refine(isInstant, 'expected an ISO 8601 date and time such as 2026-01-06T12:34:56Z')
    .meta({ format: 'date-time' });
export const hexCode = () =>
  z.string().regex(/^(0[xX])?[0-9a-fA-F]{1,8}$/, 'expected a hexadecimal code such as 0xC0000005');
export const hexAddress = () =>
  z
    .string()
    .regex(/^(0[xX])?[0-9a-fA-F]{1,16}$/, 'expected a hexadecimal address such as 0x00007FF6A0001000');
export const sha256 = () =>
  z.string().regex(/^[0-9a-fA-F]{64}$/, 'expected a SHA-256 of 64 hexadecimal digits');
export const version = () => z.string().min(1).max(64);
export const fileName = () => z.string().min(1).max(FILE_NAME_CHARS_MAX);

/** Bounded by the metadata that they are in, and by the limits of annotations. */
export const annotations = () => z.record(z.string(), z.string()).meta({ flag: 'annotation' });

function isInstant(text: string): boolean {
  return !Number.isNaN(parseInstant(text));
}

/** Whether what the client declared agrees with what the bytes say. */
export const identityState = () => z.enum(['verified', 'mismatch', 'unparsed']);

export const uploadReply = () => ({
  file_path: z.string().describe('Where it is stored, relative to the parent of the storage root'),
  deduplicated: z.boolean().describe('True when the very same bytes were stored before'),
  state: identityState(),
  sha256: z.string(),
  size_bytes: z.number(),
  exe_version: z.string().nullable(),
  exe_guid: z.string().nullable(),
  warnings: z.array(z.string()),
});

export const identity = () =>
  z.object({
    exe_version: z.string().nullable().optional(),
    exe_guid: z.string().nullable().optional(),
    exe_age: z.number().nullable().optional(),
  });

export const storedFile = () => ({
  id: z.string(),
  exe_version: z.string().nullable(),
  exe_guid: z.string().nullable(),
  file_path: z.string(),
  state: identityState().nullable(),
  size_bytes: z.number().nullable(),
  sha256: z.string().nullable(),
  declared: identity().catchall(z.unknown()).nullable().describe('What the client said, as it said it'),
  parsed: identity().catchall(z.unknown()).nullable().describe('What the bytes say'),
  warnings: z.array(z.string()),
});

export const minidumpSummary = () =>
  z.object({
    ...storedFile(),
    timestamp: z.string().nullable(),
    exe_age: z.number().nullable(),
    pid: z.number().nullable(),
    tid: z.number().nullable(),
    exception_code: z.string().nullable(),
    exception_address: z.string().nullable(),
    exe_name: z.string().nullable(),
    signature: z
      .string()
      .nullable()
      .describe('Exception code, module and offset: the same for crashes that are alike'),
    debuggable: z.boolean().describe('The PDB of the module that decides is stored'),
    created_at: z.string(),
  });

export const pdbSummary = () =>
  z.object({
    ...storedFile(),
    exe_age: z.number().nullable(),
    pdb_filename: z.string().nullable(),
    uploaded_at: z.string(),
  });

export const exeSummary = () =>
  z.object({
    ...storedFile(),
    exe_age: z.number().nullable(),
    exe_filename: z.string().nullable(),
    time_date_stamp: z.string().nullable(),
    size_of_image: z.number().nullable(),
    uploaded_at: z.string(),
  });

export const page = () => ({
  page: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(1)
    .describe('Page number, from 1')
    .meta({ short: 'p' }),
  page_size: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe('Rows per page, at most 100')
    .meta({ short: 'n' }),
});
export const pageReply = () => ({ page: z.number(), page_size: z.number(), total: z.number() });

export const versionFilter = () =>
  version().optional().describe('Only this EXE version').meta({ short: 'V' });
export const guidFilter = () =>
  guid().optional().describe('Only this EXE GUID, in any case, with or without dashes').meta({ short: 'g' });
