/** The configuration of chs as one zod schema: every section, key, default and description, declared once. */
import * as z from 'zod';
import { backup } from './backup-settings.ts';
import { clockDriftPolicy, fs, logLimits, logs, search, security, sessions } from './log-settings.ts';
import {
  addressRange,
  apiKey,
  bindAddress,
  duration,
  host,
  path,
  serverUrl,
  size,
  sizeLimit,
  whole,
} from './values.ts';

// Each key ends in one `.meta({ description, ... })`. The marks, all optional:
//   secret   never shown: not in messages, not in `chs config show`
//   path     resolved to an absolute path (lists: each item)
//   reload   taken over on SIGHUP, without a restart
//   inert    accepted and validated, but nothing in this version reads it
//   example  what the sample file shows, commented out, where there is no default

const server = z.object({
  host: host
    .default('127.0.0.1')
    .meta({ description: 'Address to listen on; "0.0.0.0" or "::" listens on every interface.' }),
  port: whole(0, 65_535, 3000).meta({ description: 'Port to listen on; 0 takes any free one.' }),
  bind: bindAddress.optional().meta({
    description: 'host:port in one; sets server.host and server.port, and must not contradict them.',
    example: '127.0.0.1:3000',
  }),
  api_key: apiKey.optional().meta({
    description: 'Key that every request must carry. Without any key only loopback is served.',
    example: 'replace-me-with-a-long-random-key',
    secret: true,
    reload: true,
  }),
  api_version: z.enum(['v1']).default('v1').meta({ description: 'Version of the tools routes.' }),
  graceful_shutdown_timeout: whole(0, 3600, 30).meta({
    description: 'Seconds that running requests get to finish after SIGTERM.',
    reload: true,
  }),
  request_timeout_ms: whole(0, 86_400_000, 3_600_000).meta({
    description: 'Longest time for one whole request, upload included, in milliseconds; 0 is no limit.',
  }),
  headers_timeout_ms: whole(1000, 600_000, 15_000).meta({
    description: 'Longest time for the headers of a request, in milliseconds.',
  }),
  body_idle_timeout_ms: whole(1000, 3_600_000, 60_000).meta({
    description: 'A body that sends nothing for so many milliseconds is given up.',
  }),
  trusted_proxies: z.array(addressRange).default([]).meta({
    description: 'Proxies whose X-Forwarded-For is believed; empty: the address of the socket counts.',
    reload: true,
  }),
});

const storage = z.object({
  base_path: path
    .default('./storage')
    .meta({ description: 'Folder of the stored minidumps, PDBs and EXEs.', path: true }),
  max_minidump_size: size
    .prefault(104_857_600)
    .meta({ description: 'Largest minidump (default 100MB).', reload: true }),
  max_pdb_size: size
    .prefault(524_288_000)
    .meta({ description: 'Largest PDB (default 500MB).', reload: true }),
  max_exe_size: size
    .prefault(524_288_000)
    .meta({ description: 'Largest EXE (default 500MB).', reload: true }),
  max_metadata_size: size
    .prefault(65_536)
    .meta({ description: 'Largest metadata part of an upload (default 64KB).', reload: true }),
  strict: z.boolean().default(false).meta({
    description: 'Refuse an upload whose file contradicts its metadata, instead of noting it.',
    reload: true,
  }),
  stale_upload_age: duration
    .prefault('1h')
    .meta({ description: 'Unfinished uploads older than this are swept at start.' }),
});

const database = z.object({
  path: path
    .default('./data/crash_handler.db')
    .meta({ description: 'SQLite database with the metadata.', path: true }),
  busy_timeout_ms: whole(0, 600_000, 5000).meta({
    description: 'How long a write waits for another process, in milliseconds.',
  }),
});

const symbols = z.object({
  public: z.boolean().default(false).meta({
    description:
      'Give symbol files below /symbols to debuggers without any key: for networks that you trust.',
    reload: true,
  }),
  max_misses: whole(0, 1_000_000, 10_000).meta({
    description: 'Symbols that debuggers asked for in vain are remembered, so many of them; 0 keeps none.',
    reload: true,
  }),
});

const logging = z.object({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'The least severe messages that are written.', reload: true }),
  file: path.default('./logs/server.log').meta({ description: 'Log file of the server.', path: true }),
  format: z
    .enum(['line', 'json'])
    .default('line')
    .meta({ description: 'Lines for people, or one JSON object a line.' }),
  stdout: z.boolean().default(true).meta({ description: 'Write the log to standard output too.' }),
  retention_days: whole(0, 3650, 30).meta({
    description: 'Rotated log files are kept so many days; 0 keeps them.',
  }),
  max_line_bytes: whole(256, 1_048_576, 16_384).meta({
    description: 'Longer log lines are cut to so many bytes.',
  }),
});

const client = z.object({
  server: serverUrl.optional().meta({
    description: 'Server that the commands talk to; without it they work on the local data.',
    example: 'https://crash.example.org',
  }),
  api_key: apiKey.optional().meta({
    description: 'Key that the commands send to the server.',
    example: 'replace-me-with-the-key-of-the-server',
    secret: true,
  }),
  timeout_ms: whole(1, 86_400_000, 30_000).meta({
    description: 'How long a command waits for an answer, in milliseconds.',
  }),
  lang: z.enum(['en', 'zh']).optional().meta({
    description: 'Language of the messages; without it the environment (LANG) decides.',
    example: 'zh',
  }),
});

const rateLimit = z.object({
  qps_per_key: whole(1, 1_000_000, 10).meta({
    description: 'Requests a second for each key.',
    reload: true,
    inert: true,
  }),
});

const auth = z.object({
  api_keys: z
    .array(apiKey)
    .default([])
    .meta({ description: 'More accepted keys, beside server.api_key.', secret: true, reload: true }),
  ip_whitelist: z.array(addressRange).default([]).meta({
    description: 'Only these addresses and CIDR ranges are served; empty: all.',
    reload: true,
  }),
  ip_denylist: z
    .array(addressRange)
    .default([])
    .meta({ description: 'These addresses and CIDR ranges are never served.', reload: true }),
  rate_limit: rateLimit.prefault({}).meta({ description: 'How often one key may call.' }),
});

const limits = z.object({
  ...logLimits,
  max_json_bytes: whole(1024, 67_108_864, 1_048_576).meta({
    description: 'Largest JSON request body, in bytes.',
    reload: true,
  }),
  max_concurrent_uploads: whole(1, 10_000, 64).meta({
    description: 'Uploads at the same time; one more is asked to come back later.',
    reload: true,
  }),
  max_event_streams: whole(1, 10_000, 100).meta({
    description: 'Programs that watch events at the same time; one more is asked to come back later.',
    reload: true,
  }),
  max_events: whole(100, 10_000_000, 10_000).meta({
    description: 'The newest so many events are kept, for those who were away.',
    reload: true,
  }),
  max_annotations: whole(1, 100_000, 1000).meta({
    description: 'Most annotations that a client may send beside a minidump.',
    reload: true,
  }),
  max_annotations_size: size.prefault(1_048_576).meta({
    description: 'Most bytes of their names and values together (default 1MB).',
    reload: true,
  }),
  max_annotation_name_bytes: whole(1, 4096, 256).meta({
    description: 'Longest name of an annotation, in bytes.',
    reload: true,
  }),
});

const cleanup = z.object({
  max_age: duration.prefault('0d').meta({
    description: 'What arrived longer ago is deleted; "0d" keeps it for ever.',
    reload: true,
  }),
  max_size: sizeLimit.prefault(0).meta({
    description: 'Above so much for all files together the oldest are deleted.',
    reload: true,
  }),
  symbols: z.boolean().default(true).meta({
    description: 'PDBs and EXEs are deleted, too, once they are old and no minidump needs them.',
    reload: true,
  }),
  interval: duration.prefault('1d').meta({
    description: 'The server deletes this often what the limits say; "0d" leaves it to `chs dump prune`.',
    reload: true,
  }),
});

/** Input: any part of the sections, as in a file. Output: every key, sizes in bytes, durations in milliseconds. */
export const configSchema = z.object({
  server: server.prefault({}).meta({ description: 'The daemon (chs serve).' }),
  storage: storage.prefault({}).meta({ description: 'Stored files and their limits.' }),
  database: database.prefault({}).meta({ description: 'The database.' }),
  symbols: symbols.prefault({}).meta({ description: 'The symbol server for debuggers.' }),
  logging: logging.prefault({}).meta({ description: "The daemon's own log." }),
  client: client.prefault({}).meta({ description: 'The commands.' }),
  auth: auth.prefault({}).meta({ description: 'Who may call.' }),
  limits: limits.prefault({}).meta({ description: 'Bounds on what comes from outside.' }),
  cleanup: cleanup.prefault({}).meta({ description: 'How long files are kept (docs/retention.md).' }),
  backup: backup.prefault({}).meta({ description: 'Backups of databases (docs/backup.md).' }),
  fs: fs.prefault({}).meta({ description: 'Files that the log service may read.' }),
  search: search.prefault({}).meta({ description: 'Log search.' }),
  sessions: sessions.prefault({}).meta({ description: 'Log sessions.' }),
  security: security.prefault({}).meta({ description: 'Cursors and browsers.' }),
  clock_drift_policy: clockDriftPolicy.prefault({}).meta({ description: 'Clocks that disagree.' }),
  logs: logs.prefault({}).meta({ description: 'How logs are searched, and rules for their lines.' }),
});

/** The complete configuration, keys as the files spell them. */
export type Config = z.output<typeof configSchema>;
