/** The operations on sessions and their files. */
import * as z from 'zod';
import { globs, notice, PATH_CHARS_MAX, sessionId } from '../fields.ts';

const path = () => z.string().min(1).max(PATH_CHARS_MAX);
const timezone = () =>
  z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Zone of times that name none, as Asia/Shanghai (default: UTC)');
const encoding = () =>
  z.string().min(1).max(40).optional().describe('Read the files in this encoding, whatever they look like');

const file = () =>
  z.object({
    path: z.string(),
    size: z.int(),
    encoding: z.string(),
    timestamp_format: z.string().nullable(),
    compression: z.enum(['none', 'gzip']),
    family_id: z.string().nullable(),
  });

const summary = () =>
  z.object({
    session_id: z.string(),
    created_at: z.iso.datetime(),
    used_at: z.iso.datetime(),
    timezone: z.string(),
    hint: z.string().nullable(),
    directory: z.string().nullable().describe('Where it was made for a directory by itself'),
    files: z.int(),
    size: z.int().describe('Bytes of its files together'),
    searches: z.int(),
    hits: z.int(),
    facts: z.int(),
    memories: z.int(),
    stored_bytes: z.int().describe('What is kept of it'),
  });

export const sessionOperations = {
  startSession: {
    summary: 'Start a session: a set of log files, and what is found in them',
    method: 'POST',
    path: '/start_session',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        hint: z.string().max(1000).optional().describe('What it is about, for whoever lists sessions'),
        timezone: timezone(),
      }),
    output: () => z.object({ session_id: z.string() }),
    errors: ['DATABASE_ERROR', 'STORAGE_FULL'],
  },
  addDirectory: {
    summary: 'Add the log files of a directory, or one file, to a session',
    description:
      'Finds out the encoding, compression and time format of each file. The path is one of the machine that answers, below fs.allow_roots.',
    method: 'POST',
    path: '/add_directory',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        path: path().describe('Directory, or one file'),
        globs: globs('Only files whose path below it or name matches one of these').default([]),
        encoding: encoding(),
      }),
    output: () => z.object({ files: z.array(file()), notices: z.array(notice()) }),
    errors: [
      'SESSION_NOT_FOUND',
      'FILE_DENIED',
      'INVALID_ENCODING',
      'QUOTA_EXCEEDED',
      'IO_ERROR',
      'DATABASE_ERROR',
      'STORAGE_FULL',
    ],
  },
  openDirectory: {
    summary: 'Give the session that is kept for directories and files, with what has changed in them',
    description: 'Makes it at the first time. The same paths and globs give the same session.',
    method: 'POST',
    path: '/open_directory',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        paths: z.array(path()).min(1).max(10_000).describe('Directories and files'),
        globs: globs('Only files whose path below it or name matches one of these').default([]),
        encoding: encoding(),
        timezone: timezone(),
        list_files: z.boolean().default(true).describe('Give the files, too'),
      }),
    output: () =>
      z.object({
        session_id: z.string(),
        created: z.boolean(),
        file_count: z.int(),
        size: z.int(),
        files: z.array(file()),
        notices: z.array(notice()),
      }),
    errors: [
      'SESSION_NOT_FOUND',
      'FILE_DENIED',
      'INVALID_ENCODING',
      'QUOTA_EXCEEDED',
      'IO_ERROR',
      'DATABASE_ERROR',
      'STORAGE_FULL',
    ],
  },
  inspectFormats: {
    summary: 'Show what was found out about the files of a session',
    method: 'POST',
    path: '/inspect_formats',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ session_id: sessionId() }),
    output: () =>
      z.object({
        files: z.array(
          file().extend({
            time_format: z.string().nullable(),
            timestamp_examples: z.array(z.string()),
            io_mode_used: z.string(),
            sequence: z.int().describe('Place in its rotated family, 0 is the oldest'),
            mode: z.enum(['text', 'json']),
            json_time_field: z.string().nullable(),
            json_time_field_confidence: z.number(),
            needs_convert: z.boolean(),
            zone_source: z.enum(['text', 'session', 'guess']).nullable(),
            first_event: z.string().nullable(),
          }),
        ),
      }),
    errors: ['SESSION_NOT_FOUND', 'FILE_DENIED', 'IO_ERROR', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
  listSessions: {
    summary: 'List the sessions, those used last first',
    method: 'POST',
    path: '/list_sessions',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ limit: z.int().min(1).max(1000).default(50).describe('most sessions given') }),
    output: () => z.object({ sessions: z.array(summary()), total: z.int() }),
    errors: ['DATABASE_ERROR', 'STORAGE_FULL'],
  },
  closeSession: {
    summary: 'Forget a session with everything that was found in it',
    method: 'POST',
    path: '/close_session',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ session_id: sessionId() }),
    output: () => z.object({ success: z.literal(true) }),
    errors: ['SESSION_NOT_FOUND', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
} as const;
