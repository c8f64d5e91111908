/** The settings of backups: which databases, where backups go and when, how long they are kept. */
import * as z from 'zod';
import {
  apiKey,
  bindAddress,
  cronPattern,
  duration,
  namedPlaces,
  place,
  serverUrl,
  timeZone,
  whole,
} from './values.ts';

// The marks of `.meta` are those of schema.ts.

const s3 = z.object({
  endpoint: serverUrl.optional().meta({
    description: 'Server of an s3:// place; without it Amazon, in backup.s3.region.',
    example: 'https://s3.example.org',
  }),
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .default('us-east-1')
    .meta({
      description: 'Region that requests are signed for.',
      expects: 'a region such as "eu-central-1"',
    }),
  access_key_id: apiKey.optional().meta({
    description: 'Access key; without it the usual AWS_* variables and files.',
    example: 'replace-me',
    secret: true,
  }),
  secret_access_key: apiKey.optional().meta({
    description: 'Secret of the access key.',
    example: 'replace-me',
    secret: true,
  }),
  path_style: z.boolean().default(true).meta({
    description: 'The bucket stands in the path, as most servers but Amazon want it, not in the host name.',
  }),
});

export const backup = z.object({
  databases: namedPlaces.default({}).meta({
    description:
      'Databases by name: paths of SQLite files, postgres:// URLs. With none, "main" is the database of chs.',
    example: { main: '/data/main.db', msg: '/data/msg.db' },
    path: true,
  }),
  target: place
    .default('./backups')
    .meta({ description: 'Where backups go: a folder, or s3://BUCKET/PREFIX.', path: true }),
  copy_to: place.optional().meta({
    description: 'Where a second copy of each backup goes.',
    example: 's3://backups/chs',
    path: true,
  }),
  schedule: cronPattern.optional().meta({
    description:
      'When the server makes a backup, as five fields of cron; without it the server makes none, and `chs backup cron` one at 02:00 each night.',
    example: '0 2 * * *',
  }),
  timezone: timeZone.optional().meta({
    description: 'Time zone of the schedule; without it that of the machine.',
    example: 'Europe/Berlin',
  }),
  keep_days: whole(1, 36_500, 30).meta({
    description: 'Backups older than so many days are pruned.',
    reload: true,
  }),
  keep_last: whole(1, 100_000, 1).meta({
    description: 'The newest so many verified backups stay, however old.',
    reload: true,
  }),
  max_age: duration.prefault('50h').meta({
    description:
      'With a schedule, the server is not ready when its last verified backup is older; "0d" leaves readiness alone.',
    reload: true,
  }),
  token: apiKey.optional().meta({
    description:
      'Token of GET /backupdb (also: GOYTYAN_BACKUP_TOKEN); without one it answers this machine only.',
    example: 'replace-me-with-a-long-random-token',
    secret: true,
    reload: true,
  }),
  listen: bindAddress.optional().meta({
    description: 'A second address, host:port, that answers GET /backupdb and nothing else.',
    example: '127.0.0.1:4019',
  }),
  busy_timeout: duration.prefault('5s').meta({
    description: 'How long a snapshot waits for a database that another process has locked.',
  }),
  gzip_level: whole(1, 9, 4).meta({ description: 'How hard archives are compressed, 1 to 9.' }),
  s3: s3.prefault({}).meta({ description: 'The server of s3:// places.' }),
});
