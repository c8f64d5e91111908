/** Whether what the configuration wants backed up can be had: files of SQLite by their permissions, programs by running. */
import { access, constants, stat } from 'node:fs/promises';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';
import { type Check, reasonOf } from './check.ts';

export function isPostgres(place: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(place);
}

/**
 * Of a server only the URL is read. A file is never opened: it may be a live database, and whoever closes one ends all
 * locks that this process has on it (fcntl(2)).
 */
export async function sourceCheck(name: string, place: string): Promise<Check> {
  const label = `database ${name}`;
  try {
    if (isPostgres(place)) {
      const { parsePostgresUrl, shownPlace } = await import('../../src/backup/postgres/url.ts');
      const detail = `${shownPlace(parsePostgresUrl(place, name))}, to which nothing was sent`;
      return { name: label, status: 'ok', detail, advice: null };
    }
    const reason = await whyUnreadable(place);
    if (reason === null) return { name: label, status: 'ok', detail: place, advice: null };
    const advice = `Check the file and who may read it, or its path: backup.databases.${name}.`;
    return { name: label, status: 'failed', detail: reason, advice };
  } catch (error) {
    const advice = `Correct backup.databases.${name}.`;
    return { name: label, status: 'failed', detail: reasonOf(error), advice };
  }
}

async function whyUnreadable(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    if (!found.isFile()) {
      const reason = found.isDirectory() ? 'it is a directory' : 'it is not a regular file';
      return reasonOf(new ChsError('LOCAL_FILE', { path, reason }));
    }
    await access(path, constants.R_OK);
    return null;
  } catch (error) {
    return reasonOf(localFileError(path, error));
  }
}

/** @param folders where to look, in place of everywhere */
export async function postgresTools(folders?: readonly string[]): Promise<Check> {
  const name = 'pg_dump';
  const { newestTools } = await import('../../src/backup/postgres/tools.ts');
  try {
    const { version, pgDump } = await newestTools(folders);
    return { name, status: 'ok', detail: `${version} (${pgDump})`, advice: null };
  } catch (error) {
    if (!(error instanceof ChsError) || error.code !== 'DATABASE_TOOL') throw error;
    const { reason } = error.params;
    return { name, status: 'failed', detail: String(reason), advice: error.describe('en').hint };
  }
}
