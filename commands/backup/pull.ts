/** `chs backup pull`: a server's databases as one zip archive, checked before it gets its name. */
import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { backupOperations } from '../../src/backup/operations.ts';
import { type Download, downloadIn } from '../../src/connect.ts';
import { ChsError } from '../../src/platform/errors.ts';
import type { Connection } from '../connect.ts';
import { addCommand, type CommandContext, completed, type Invocation } from '../define.ts';
import { appear, safeFileName, writePartial } from '../download.ts';
import { usageError } from '../failure.ts';
import { optionsOf, readInput } from '../flags.ts';
import { localFileError } from '../local-file.ts';
import type { ExitCode, Run } from '../run.ts';
import { counted } from '../views/backup.ts';
import { shownBytes } from '../views/progress.ts';
import { checkFile, firstFailure } from './check-file.ts';

const operation = backupOperations.downloadDatabases;
const TOKEN_BYTES_MAX = 4096;
const SNAPSHOT_TIMEOUT_MS = 600_000;

export function pullCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'pull',
    summary: "Download a server's databases as a zip archive, and check it",
    description:
      'GET /backupdb of the server that --server or client.server names: a snapshot taken now. The token comes from ' +
      '--token-file or CHS_BACKUP_TOKEN, never from the command line. The archive gets its name only when its checksums ' +
      'and databases are right; a file that is there already is never replaced.',
    options: () => [
      ...optionsOf(operation),
      completed(new Option('--to <path>', 'file or folder; the current one when left out'), 'file'),
      completed(new Option('--token-file <file>', 'read the token from the first line of this file'), 'file'),
    ],
    examples: [
      'chs backup pull --server https://crash.example.org --token-file token.txt',
      'CHS_BACKUP_TOKEN=$(cat token.txt) chs backup pull --server http://10.0.0.7:4019 --db main --to /mnt/backups',
    ],
    action: pull,
  });
}

async function pull(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out } = run;
  const { to, tokenFile } = invocation.options;
  const { db } = readInput(operation, invocation);
  const { config, origin } = await run.config();
  // It begins to answer when the snapshot is done.
  if (origin.get('client.timeout_ms')?.kind === 'default') config.client.timeout_ms = SNAPSHOT_TIMEOUT_MS;
  if ((run.options.server ?? config.client.server) === undefined) {
    throw usageError(
      'no server is named',
      'Give --server URL, or use `chs backup create` for the databases of this machine.',
    );
  }
  const token = typeof tokenFile === 'string' ? await tokenFrom(tokenFile) : config.backup.token;
  const place = typeof to === 'string' ? to : null;
  const isFolder = place !== null && (await stat(place).catch(() => null))?.isDirectory() === true;
  const named = isFolder ? null : place;
  if (named !== null) await refuseExisting(named);
  const download = await open(run, await run.connect(), db, token);
  try {
    const target = named ?? join(place ?? '', safeFileName(download.fileName) ?? 'backupdb.zip');
    await refuseExisting(target);
    const { sizeBytes, sha256, databases } = await receive(run, download, target);
    if (out.json) out.value({ file: target, size_bytes: sizeBytes, sha256, databases });
    else out.line(target);
    out.note(`${shownBytes(sizeBytes)}, ${counted(databases.length, 'database')}: checksums verified`);
    return 0;
  } finally {
    download.bytes.destroy();
  }
}

/** The typed client has no way to send this header, which is no key of the API. */
async function open(
  { language, signal }: Run,
  { transport, headers }: Connection,
  db: string,
  token: string | undefined,
): Promise<Download> {
  const reply = await transport.send({
    method: operation.method,
    path: `${operation.path}?${new URLSearchParams({ db })}`,
    headers: {
      ...headers,
      accept: 'application/zip, application/json',
      'accept-language': language,
      ...(token === undefined ? {} : { 'x-backup-token': token }),
    },
    body: null,
    signal,
  });
  return downloadIn(reply, transport.name, operation);
}

async function receive(run: Run, download: Download, target: string) {
  // Beside the target, so that the rename stays on one file system.
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    const received = await writePartial(run, download, target, partial);
    const result = await checkFile(run, partial);
    const failure = firstFailure(result);
    if (failure !== null) throw new ChsError('DOWNLOAD_DAMAGED', { reason: failure });
    await appear(partial, target);
    return { ...received, databases: databasesIn(result.checks) };
  } catch (error) {
    throw localFileError(target, error);
  } finally {
    // Windows may hold on to a file for a moment after it was closed.
    await rm(partial, { force: true, maxRetries: 3 });
  }
}

function databasesIn(checks: readonly { readonly name: string; readonly check: string }[]): string[] {
  return [...new Set(checks.filter(({ check }) => check === 'integrity_check').map(({ name }) => name))];
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found) throw new ChsError('LOCAL_FILE', { path, reason: 'it exists already' });
}

async function tokenFrom(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw localFileError(path, error);
  });
  const [line = ''] = bytes.subarray(0, TOKEN_BYTES_MAX).toString('utf8').split(/\r?\n/, 1);
  const token = line.trim();
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw new ChsError('LOCAL_FILE', { path, reason: 'its first line is not a token' });
  return token;
}
