/** Verifies what lies on this machine, without restoring it: a download, a bare database, a folder of a backup. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import type { CheckResult, VerifyResult } from '../fields.ts';
import type { FilesEntry } from '../manifest.ts';
import type { BackupWorker } from '../worker/protocol.ts';
import { problemsOf, receiveDatabase, receiveSqlite, roomFor, type Watch } from './content.ts';
import { fileLines } from './file-list.ts';
import { receiveList } from './files.ts';
import { openFileSource } from './open-file.ts';
import { receivePoolFile } from './pool-file.ts';
import { nameOf, type RestoreSource, type SourceDatabase } from './source.ts';
import { makeStaging, needRoom, sweepStaging } from './staging.ts';

/** Damaged files are named up to here; the rest is a number. */
const DAMAGED_SHOWN_MAX = 100;

export interface VerifyFileOptions extends Watch {
  readonly worker: BackupWorker;
  /** Where databases are unpacked; the folder of temporary files when left out. */
  readonly scratch?: string;
  /** Checks a dump of PostgreSQL (`pg_restore --list`). */
  readonly postgres?: (input: {
    readonly file: string;
    readonly entry: SourceDatabase;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Checks who signed the manifest; null where that says nothing (a download is not signed). */
  readonly signature?: (manifest: Uint8Array) => { readonly ok: boolean; readonly detail: string } | null;
}

/** @throws ChsError LOCAL_FILE where it is no backup at all, STORAGE_FULL; the signal's reason */
export async function verifyFile(path: string, options: VerifyFileOptions): Promise<VerifyResult> {
  try {
    return await verifySource(await openFileSource(path), options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const checks = [{ name: path, check: 'archive', ok: false, detail: reasonOf(error) }];
    return { id: path, timestamp: null, place: path, ok: false, checks, warnings: [] };
  }
}

/** Everything that can be known of a source: checksums, gzip, SQLite's own checks, the stored files. */
export async function verifySource(source: RestoreSource, options: VerifyFileOptions): Promise<VerifyResult> {
  const scratch = join(options.scratch ?? tmpdir(), 'chs-verify');
  await sweepStaging(scratch);
  const staging = await makeStaging(scratch);
  const checks: CheckResult[] = [];
  const warnings: string[] = [];
  try {
    const { manifest, manifestBytes } = source;
    const signed = manifestBytes && options.signature?.(manifestBytes);
    if (signed) checks.push({ name: 'manifest.json', check: 'signature', ...signed });
    for (const entry of manifest.databases) {
      await needRoom(staging.folder, roomFor(entry));
      const input = { ...options, source, entry, folder: staging.folder };
      if (entry.kind === 'sqlite') checks.push(...(await verifySqlite(input)));
      else checks.push(...(await verifyDump(input, warnings)));
    }
    if (manifest.files) checks.push(...(await verifyFiles(source, manifest.files, staging.folder, options)));
  } finally {
    await staging.discard();
  }
  const { timestamp } = source.manifest;
  const ok = checks.every((check) => check.ok);
  return { id: nameOf(source), timestamp, place: source.label, ok, checks, warnings };
}

interface DatabaseInput extends VerifyFileOptions {
  readonly source: RestoreSource;
  readonly entry: SourceDatabase;
  readonly folder: string;
}

async function verifySqlite(input: DatabaseInput): Promise<CheckResult[]> {
  const { entry, folder } = input;
  const { name } = entry;
  const passed = (check: string, detail: string): CheckResult => ({ name, check, ok: true, detail });
  try {
    const path = await receiveSqlite(input);
    const checks = [
      passed('checksum', entry.sha256 === null ? 'read whole; none to compare with' : entry.sha256),
    ];
    const { problems, found } = await problemsOf(input, path);
    if (entry.foreign_key_violations === null && found.foreignKeyViolations > 0) {
      const detail = `broken foreign keys: ${found.foreignKeyViolations}`;
      problems.push({ check: 'foreign_key_check', detail });
    }
    for (const check of ['integrity_check', 'foreign_key_check', 'pages', 'schema']) {
      const wrong = problems.filter((problem) => problem.check === check);
      if (wrong.length === 0) checks.push(passed(check, 'ok'));
      for (const { detail } of wrong) checks.push({ name, check, ok: false, detail });
    }
    return checks;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [{ name, check: 'checksum', ok: false, detail: reasonOf(error) }];
  } finally {
    for (const file of ['received', 'restored.db']) await rm(join(folder, file), { force: true });
  }
}

async function verifyDump(input: DatabaseInput, warnings: string[]): Promise<CheckResult[]> {
  const { entry, folder, postgres, signal } = input;
  const { name } = entry;
  try {
    const file = await receiveDatabase(input);
    const detail = entry.file_sha256 ?? 'read whole; none to compare with';
    const checks: CheckResult[] = [{ name, check: 'checksum', ok: true, detail }];
    if (postgres) {
      checks.push({ name, check: 'pg_restore --list', ...(await postgres({ file, entry, signal })) });
    } else {
      warnings.push(`${name}: the contents of the dump were not looked at`);
    }
    return checks;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [{ name, check: 'checksum', ok: false, detail: reasonOf(error) }];
  } finally {
    await rm(join(folder, 'received'), { force: true });
  }
}

async function verifyFiles(
  source: RestoreSource,
  entry: FilesEntry,
  folder: string,
  options: VerifyFileOptions,
): Promise<CheckResult[]> {
  const checks: CheckResult[] = [];
  let [whole, broken, done] = [0, 0, 0];
  try {
    options.onStep?.('files', entry.database);
    const list = await receiveList(source, entry, folder, options.signal);
    for await (const line of fileLines(source, entry, list)) {
      options.signal.throwIfAborted();
      try {
        await receivePoolFile(source, line, join(folder, 'file'), { signal: options.signal, strict: true });
        whole += 1;
      } catch (error) {
        if (!isDamage(error)) throw error;
        broken += 1;
        const detail = reasonOf(error);
        if (broken <= DAMAGED_SHOWN_MAX)
          checks.push({ name: line.key, check: 'checksum', ok: false, detail });
      } finally {
        await rm(join(folder, 'file'), { force: true });
      }
      done += line.size;
      options.onProgress?.({ step: 'files', name: null, done, total: entry.size });
    }
    checks.push({
      name: entry.list,
      check: 'files',
      ok: broken === 0,
      detail: `${whole} whole, ${broken} damaged`,
    });
  } catch (error) {
    if (!isDamage(error)) throw error;
    checks.push({ name: entry.list, check: 'files', ok: false, detail: reasonOf(error) });
  }
  return checks;
}

export function isDamage(error: unknown): error is ChsError {
  return error instanceof ChsError && (error.code === 'BACKUP_DAMAGED' || error.code === 'SOURCE_DAMAGED');
}

export function reasonOf(error: ChsError): string {
  return String(error.params.reason ?? error.message);
}
