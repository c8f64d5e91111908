/** The settings of the log service: what may be read, how far a search goes, how long sessions are kept. */
import * as z from 'zod';
import { duration, origin, path, size, whole } from './values.ts';

// The marks of `.meta` are those of schema.ts.

/** Those of [limits] that the documents have for logs. */
export const logLimits = {
  max_upload_mb: whole(1, 1_048_576, 500).meta({
    description: 'Largest upload to the log service, in MB.',
    inert: true,
  }),
  max_hits: whole(1, 100_000, 500).meta({ description: 'Most hits of one log search.', reload: true }),
  regex_timeout_ms: whole(1, 60_000, 50).meta({
    description: 'Longest time for one regular expression on one line, in milliseconds.',
    reload: true,
  }),
  max_context_lines: whole(0, 1000, 12).meta({
    description: 'Most lines of context around a hit.',
    reload: true,
  }),
  max_line_bytes: whole(256, 67_108_864, 1_048_576).meta({
    description: 'Longer lines of a searched log are cut to so many bytes.',
    reload: true,
  }),
  content_length_limit_mb: whole(1, 1024, 10).meta({
    description: 'Largest request body of the tools routes, in MB.',
    reload: true,
  }),
};

export const fs = z.object({
  allow_roots: z.array(path).default([]).meta({
    description: 'Folders whose logs may be read over the network; empty: none.',
    path: true,
    reload: true,
  }),
  deny_patterns: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: 'Files that are never opened, as glob patterns.', reload: true }),
  io_mode: z
    .enum(['mmap', 'buffered', 'auto'])
    .default('auto')
    .meta({ description: 'How log files are read: in blocks, whatever it says.', inert: true }),
});

export const search = z.object({
  enable_temp_index: z
    .boolean()
    .default(true)
    .meta({ description: 'Keep an index of large log files for the next search.', reload: true }),
  temp_index_threshold_mb: whole(1, 1_048_576, 100).meta({
    description: 'Files from so many MB on are indexed.',
    reload: true,
  }),
  sparse_index_stride_lines: whole(1, 10_000_000, 1000).meta({
    description: 'Nothing is sampled by lines: the first and last time are kept for each block of bytes.',
    inert: true,
  }),
  page_size: whole(1, 10_000, 100).meta({ description: 'Hits in one page of results.', reload: true }),
  max_scanned_bytes: size
    .prefault(2_000_000_000)
    .meta({ description: 'Most bytes that one search reads (default 2 billion).', reload: true }),
});

export const sessions = z.object({
  session_ttl: duration
    .prefault('7d')
    .meta({ description: 'A log session is forgotten so long after its last use.', reload: true }),
  max_session_bytes: size
    .prefault('5GB')
    .meta({ description: 'Most bytes that are kept of one log session.', reload: true }),
});

export const security = z.object({
  cursor_ttl: whole(1, 604_800, 600).meta({
    description: 'A page cursor stays valid for so many seconds.',
    reload: true,
  }),
  enable_cors: z
    .boolean()
    .default(false)
    .meta({ description: 'Answer cross-origin requests of security.cors_origins.', inert: true }),
  cors_origins: z
    .array(origin)
    .default([])
    .meta({ description: 'Origins that may call from a browser; each in full, never *.', inert: true }),
});

export const clockDriftPolicy = z.object({
  seconds: whole(-86_400, 86_400, 3).meta({
    description: 'Clocks of two log sources may differ by so many seconds.',
    reload: true,
  }),
});

export const logs = z.object({
  facts_dir: path
    .default('./facts.d')
    .meta({ description: 'Folder with rules for facts (*.toml), beside the built-in ones.', path: true }),
  redact_dir: path
    .default('./redact.d')
    .meta({ description: 'Folder with rules for what is never shown (*.toml).', path: true }),
  redact: z.boolean().default(true).meta({
    description: 'Hide passwords, keys and the like by the built-in rules, too.',
    reload: true,
  }),
  threads: whole(0, 64, 0).meta({
    description: 'Threads that search; 0 is one for each core, at most 8.',
  }),
  hard_timeout_ms: whole(1, 3_600_000, 30_000).meta({
    description: 'A search gives what it has after so many milliseconds, unless the request says otherwise.',
    reload: true,
  }),
  max_concurrent_searches: whole(1, 10_000, 32).meta({
    description: 'Searches at the same time; one more is asked to come back later.',
    reload: true,
  }),
});
