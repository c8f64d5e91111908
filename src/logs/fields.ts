/** The parts that the schemas of several log operations share. */
import * as z from 'zod';

export const TERMS_MAX = 64;
export const TERM_CHARS_MAX = 4096;
export const REGEX_CHARS_MAX = 4096;
const GLOBS_MAX = 64;
const GLOB_CHARS_MAX = 1024;
const INSTANT_CHARS_MAX = 64;
export const PATH_CHARS_MAX = 4096;
export const HIT_IDS_MAX = 10_000;

export const sessionId = () => z.string().min(1).max(64).describe('Session, as start_session gave it');

export const globs = (what: string) =>
  z.array(z.string().min(1).max(GLOB_CHARS_MAX)).max(GLOBS_MAX).describe(what);

const terms = (what: string) =>
  z.array(z.string().min(1).max(TERM_CHARS_MAX)).max(TERMS_MAX).default([]).describe(what);

const conditions = (what: string) =>
  z.array(z.string().min(1).max(TERM_CHARS_MAX)).max(TERMS_MAX).default([]).describe(what);

/** The documents have a code of their own for what is no time, so that it is looked at later on. */
const instant = (what: string) =>
  z.string().min(1).max(INSTANT_CHARS_MAX).optional().meta({ format: 'date-time', description: what });

export const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export const level = () => z.enum(LEVELS);

/** What is looked for, and where: the same for every operation that reads lines. */
export const queryShape = () => ({
  session_id: sessionId(),
  include_globs: globs('Only files whose path or name matches one of these').default([]),
  exclude_globs: globs('No files whose path or name matches one of these').default([]),
  time_start: instant('Only events from this instant on (RFC 3339)'),
  time_end: instant('Only events up to this instant (RFC 3339)'),
  mode: z.enum(['text', 'json']).default('text').describe('json: every line is a JSON object'),
  must: terms('All of these are on the line'),
  any: terms('At least one of these is on the line'),
  none: terms('None of these is on the line'),
  regex: z
    .string()
    .max(REGEX_CHARS_MAX)
    .nullish()
    .transform((text) => text || undefined)
    .describe('This regular expression (RE2 syntax) matches the line'),
  case_sensitive: z.boolean().default(true).describe('Tell upper from lower case'),
  whole_word: z.boolean().default(false).describe('Terms and the regular expression match whole words only'),
  json_path_must: conditions(
    'json: all of these hold, such as level=error, http.status>=500, user.name~adm, trace_id (is there)',
  ),
  json_path_any: conditions('json: at least one of these holds'),
  json_path_none: conditions('json: none of these holds'),
  time_field: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('json: the path of the time, where it is not found out'),
});

export const hardTimeout = () =>
  z
    .int()
    .min(1)
    .max(3_600_000)
    .optional()
    .describe('Give what was found by then, with a cursor to go on, in milliseconds');

export const hit = () =>
  z.object({
    id: z.string(),
    file: z.string(),
    family_id: z.string().nullable(),
    line_number: z.int(),
    byte_offset: z.int(),
    timestamp: z.string().nullable(),
    content: z.string(),
    context_before: z.array(z.string()),
    context_after: z.array(z.string()),
    truncated: z.boolean(),
  });

export const fact = () =>
  z.object({
    rule_name: z.string(),
    fields: z.record(z.string(), z.string()),
    source_hit_id: z.string(),
  });

/** Something about a file that the caller should know: it grew, was replaced, could not be read to its end. */
export const notice = () => z.object({ file: z.string().nullable(), code: z.string(), message: z.string() });

export const template = () =>
  z.object({
    template: z.string().describe('Variable parts are <*>'),
    count: z.int(),
    level: level().nullable(),
    first_seen: z.string().nullable(),
    last_seen: z.string().nullable(),
    sample: z.string(),
    sample_file: z.string(),
    sample_line: z.int(),
  });
