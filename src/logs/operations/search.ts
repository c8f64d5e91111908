/** The operations that read lines: search, and what is counted and grouped instead of listed. */
import * as z from 'zod';
import { hardTimeout, hit, level, notice, queryShape, sessionId, template } from '../fields.ts';

/** A cursor of what is written later names as many files as may be followed. */
const CURSOR_CHARS_MAX = 262_144;

const stats = () =>
  z.object({
    files_scanned: z.int(),
    bytes_scanned: z.int(),
    compute_ms: z.int(),
    io_mode_used: z.string(),
    regex_cache_hits: z.int(),
    ac_dict_size: z.int(),
    candidate_lines: z.int(),
    skipped_none_hits: z.int(),
    regex_timeouts: z.int(),
    truncated_lines: z.int(),
  });

export const LIMITS_REACHED = ['max_hits', 'max_scanned_bytes', 'hard_timeout_ms'] as const;

const searchReply = () =>
  z.object({
    hits: z.array(hit()),
    truncated: z.boolean().describe('A limit ended the search before the end; a full page does not'),
    truncated_by: z.enum(LIMITS_REACHED).nullable(),
    cursor: z.string().nullable().describe('Goes on after the last hit; null where there is nothing more'),
    tail_cursor: z.string().nullable().describe('With follow: finds what is written after this search'),
    window: z
      .object({ start: z.string().nullable(), end: z.string().nullable() })
      .nullable()
      .describe('The window that was searched, widened by clock_drift_policy.seconds'),
    notices: z.array(notice()),
    stats: stats(),
  });

const SEARCH_ERRORS = [
  'SESSION_NOT_FOUND',
  'BAD_TIME_RANGE',
  'SEARCH_TIMEOUT',
  'REGEX_ERROR',
  'FILE_DENIED',
  'QUOTA_EXCEEDED',
  'IO_ERROR',
  'DATABASE_ERROR',
  'STORAGE_FULL',
  'CONFIG_ERROR',
  'TOO_BUSY',
] as const;

export const searchOperations = {
  search: {
    summary: 'Find the lines that hold all, any and none of some terms, and match a regular expression',
    description:
      'Hits come in the order of the first event of their files, then of their place. A full page, and every limit, gives a cursor that goes on from there.',
    method: 'POST',
    path: '/search',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        ...queryShape(),
        page_size: z
          .int()
          .min(1)
          .max(100_000)
          .optional()
          .describe('Most hits in one reply (search.page_size)'),
        max_hits: z
          .int()
          .min(1)
          .max(1_000_000_000)
          .optional()
          .describe('Most hits altogether (limits.max_hits)'),
        context_lines: z
          .int()
          .min(0)
          .default(0)
          .describe('Lines before and after each hit (limits.max_context_lines)'),
        hard_timeout_ms: hardTimeout(),
        whole_events: z
          .boolean()
          .default(false)
          .describe('Give whole events, such as a line with its stack trace, once each'),
        keep: z
          .boolean()
          .default(true)
          .describe('Keep the hits in the session, for facts, timeline and report'),
        follow: z
          .boolean()
          .default(false)
          .describe('Only whole lines, and a tail_cursor for what comes later'),
      }),
    output: searchReply,
    errors: SEARCH_ERRORS,
  },
  continueSearch: {
    summary: 'Go on with a search from its cursor',
    method: 'POST',
    path: '/search/continue',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({ cursor: z.string().min(1).max(CURSOR_CHARS_MAX), hard_timeout_ms: hardTimeout() }),
    output: searchReply,
    errors: [...SEARCH_ERRORS, 'CURSOR_EXPIRED'],
  },
  countHits: {
    summary: 'Count the hits of a search in each file, without giving them',
    method: 'POST',
    path: '/count',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ ...queryShape(), hard_timeout_ms: hardTimeout() }),
    output: () =>
      z.object({
        total: z.int(),
        files: z.array(z.object({ file: z.string(), hits: z.int() })).describe('Those with hits'),
        complete: z.boolean(),
        truncated_by: z.enum(LIMITS_REACHED).nullable(),
        notices: z.array(notice()),
        stats: stats(),
      }),
    errors: SEARCH_ERRORS,
  },
  logStats: {
    summary: 'Show how lines spread over time and levels, and their most frequent patterns',
    method: 'POST',
    path: '/stats',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        ...queryShape(),
        buckets: z.int().min(1).max(1000).default(60).describe('Intervals of the histogram'),
        top: z.int().min(0).max(1000).default(10).describe('Most frequent patterns given'),
        hard_timeout_ms: hardTimeout(),
      }),
    output: () =>
      z.object({
        lines: z.int(),
        bytes: z.int(),
        files: z.int(),
        first_event: z.string().nullable(),
        last_event: z.string().nullable(),
        without_time: z.int().describe('Lines whose time is not known'),
        levels: z.array(z.object({ level: level().nullable(), count: z.int() })),
        bucket_ms: z.int().nullable(),
        histogram: z.array(z.object({ start: z.string(), count: z.int(), errors: z.int() })),
        patterns: z.array(template()),
        complete: z.boolean(),
        truncated_by: z.enum(LIMITS_REACHED).nullable(),
        notices: z.array(notice()),
        stats: stats(),
      }),
    errors: SEARCH_ERRORS,
  },
  patterns: {
    summary: 'Group lines by their pattern, with counts and when each was first and last seen',
    method: 'POST',
    path: '/patterns',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        ...queryShape(),
        limit: z.int().min(1).max(10_000).default(50).describe('Most patterns given'),
        order: z
          .enum(['count', 'rare', 'first_seen', 'last_seen'])
          .default('count')
          .describe('Which come first'),
        hard_timeout_ms: hardTimeout(),
      }),
    output: () =>
      z.object({
        patterns: z.array(template()),
        total: z.int().describe('Patterns altogether'),
        lines: z.int(),
        unlisted_lines: z.int().describe('Lines of patterns that are not given'),
        complete: z.boolean(),
        truncated_by: z.enum(LIMITS_REACHED).nullable(),
        notices: z.array(notice()),
        stats: stats(),
      }),
    errors: SEARCH_ERRORS,
  },
  explainEmpty: {
    summary: 'Say why a search finds nothing: which term, which window, how it may be spelt instead',
    method: 'POST',
    path: '/explain_empty',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ ...queryShape(), hard_timeout_ms: hardTimeout() }),
    output: () =>
      z.object({
        files: z.int(),
        files_excluded: z.int().describe('Files of the session that the globs leave out'),
        files_without_time: z.int(),
        hits: z.int().describe('What the search as it is finds'),
        terms: z.array(
          z.object({
            kind: z.enum(['must', 'any', 'none', 'regex', 'json']),
            term: z.string(),
            alone: z.int().describe('Lines with this term, whatever else'),
            without: z.int().describe('Hits of the search without this term'),
            other_case: z.int().describe('Lines with it in another case'),
            nearest: z.array(z.object({ text: z.string(), count: z.int() })),
          }),
        ),
        window: z
          .object({
            start: z.string().nullable(),
            end: z.string().nullable(),
            hits_outside: z.int(),
            nearest_before: z.string().nullable(),
            nearest_after: z.string().nullable(),
            first_event: z.string().nullable(),
            last_event: z.string().nullable(),
          })
          .nullable(),
        reasons: z.array(z.string()).describe('What to change, in words, the most likely first'),
        complete: z.boolean(),
      }),
    errors: SEARCH_ERRORS,
  },
  validateRegex: {
    summary: 'Try a regular expression on some lines',
    method: 'POST',
    path: '/validate_regex',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        regex: z.string().min(1).max(4096).describe('Regular expression, RE2 syntax'),
        samples: z.array(z.string().max(65_536)).max(100).default([]).describe('Lines to try it on'),
        case_sensitive: z.boolean().default(true).describe('Tell upper from lower case'),
      }),
    output: () =>
      z.object({
        valid: z.boolean(),
        error: z.string().nullable(),
        groups: z.array(z.string()).describe('Capture groups, by name or number'),
        results: z.array(
          z.object({
            matched: z.boolean(),
            match: z.string().nullable(),
            start: z.int().nullable(),
            groups: z.record(z.string(), z.string().nullable()),
            ms: z.number(),
          }),
        ),
      }),
    errors: ['REGEX_TIMEOUT'],
  },
  readLines: {
    summary: 'Show lines of a file of the session around a line',
    method: 'POST',
    path: '/read_lines',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        file: z.string().min(1).max(4096).describe('A file of the session, as its hits name it'),
        line_number: z.int().min(1).describe('The line in the middle'),
        byte_offset: z
          .int()
          .min(0)
          .optional()
          .describe('Where that line begins, as a hit says: finds it at once'),
        before: z.int().min(0).max(1000).default(20).describe('Lines before it'),
        after: z.int().min(0).max(1000).default(20).describe('Lines after it'),
      }),
    output: () =>
      z.object({
        file: z.string(),
        first_line: z.int(),
        lines: z.array(z.string()),
        more_before: z.boolean(),
        more_after: z.boolean(),
      }),
    errors: SEARCH_ERRORS,
  },
} as const;
