/** Whether what the configuration wants backed up can be had: files of SQLite by their permissions, programs by running. */

import { checkReadable, isPostgresUrl } from '../../src/backup/sources.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { type Check, reasonOf } from './check.ts';

/**
 * Of a server only the URL is read. A file is never opened: it may be a live database, and whoever closes one ends all
 * locks that this process has on it (fcntl(2)).
 */
export async function sourceCheck(name: string, place: string): Promise<Check> {
  const label = `database ${name}`;
  try {
    if (isPostgresUrl(place)) {
      const { parsePostgresUrl, shownPlace } = await import('../../src/backup/postgres/url.ts');
      const detail = `${shownPlace(parsePostgresUrl(place, name))}, to which nothing was sent`;
      return { name: label, status: 'ok', detail, advice: null };
    }
    await checkReadable([{ kind: 'sqlite', name, path: place, own: null }]);
    return { name: label, status: 'ok', detail: place, advice: null };
  } catch (error) {
    return { name: label, status: 'failed', ...failureOf(error, name, place) };
  }
}

/** The line begins with the database: what the error says of it would be there twice. */
function failureOf(error: unknown, name: string, place: string): Pick<Check, 'detail' | 'advice'> {
  const code = error instanceof ChsError ? error.code : null;
  const advice = `Check the file and who may read it, or its path: backup.databases.${name}.`;
  if (code === 'SOURCE_MISSING') return { detail: `there is no file ${place}`, advice };
  if (error instanceof ChsError && code === 'SOURCE_UNREADABLE')
    return { detail: `${place}: ${error.params.reason}`, advice };
  return { detail: reasonOf(error), advice: `Correct backup.databases.${name}.` };
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
