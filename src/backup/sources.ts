/** Which databases are meant: by names, or all. */
import { access, constants, stat } from 'node:fs/promises';
import { ChsError } from '../platform/errors.ts';
import { codeOf } from '../platform/system-error.ts';
import type { BackupContext, OwnData } from './settings.ts';

/** A database to back up. */
export type Source =
  | {
      readonly kind: 'sqlite';
      readonly name: string;
      readonly path: string;
      /** Where it is the database of chs: its files belong to it. */
      readonly own: OwnData | null;
    }
  | { readonly kind: 'postgres'; readonly name: string; readonly url: string };

/** The database of chs where others are configured beside it. */
const OWN_NAME = 'chs';
/** Where none is configured. */
const ONLY_NAME = 'main';

/** Where a database is: on a server of PostgreSQL, or else in a file of SQLite. */
export function isPostgresUrl(place: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(place);
}

/** The configured databases; with none, `main` is that of chs. */
export function configuredSources({ settings, own }: BackupContext): Source[] {
  const entries = Object.entries(settings.databases);
  if (entries.length === 0) return [{ kind: 'sqlite', name: ONLY_NAME, path: own.database, own }];
  return entries.map(([name, place]) =>
    isPostgresUrl(place)
      ? { kind: 'postgres', name, url: place }
      : { kind: 'sqlite', name, path: place, own: place === own.database ? own : null },
  );
}

/**
 * Everything there is to back up: what is configured, and the database of chs, too, where it has one.
 */
export async function allSources(context: BackupContext): Promise<Source[]> {
  const configured = configuredSources(context);
  const { own } = context;
  const hasOwn = configured.some((source) => source.kind === 'sqlite' && source.own !== null);
  if (hasOwn || configured.some(({ name }) => name === OWN_NAME)) return configured;
  const exists = await stat(own.database).then(
    () => true,
    () => false,
  );
  return exists ? [...configured, { kind: 'sqlite', name: OWN_NAME, path: own.database, own }] : configured;
}

/** @throws ChsError NO_SUCH_DATABASE */
export function namedSources(sources: readonly Source[], names: readonly string[]): Source[] {
  return [...new Set(names)].map((name) => {
    const source = sources.find((candidate) => candidate.name === name);
    if (!source)
      throw new ChsError('NO_SUCH_DATABASE', {
        name,
        known: sources.map((candidate) => candidate.name).join(', '),
      });
    return source;
  });
}

/**
 * As much as can be told without a connection: a live file must not even be opened. Servers are not asked.
 *
 * @throws ChsError SOURCE_MISSING, SOURCE_UNREADABLE
 */
export async function checkReadable(sources: readonly Source[]): Promise<void> {
  for (const source of sources) {
    if (source.kind !== 'sqlite') continue;
    const { name, path } = source;
    const unreadable = (reason: string, cause?: unknown): ChsError =>
      new ChsError('SOURCE_UNREADABLE', { name, path, reason }, { cause });
    try {
      const found = await stat(path);
      if (!found.isFile()) throw unreadable(found.isDirectory() ? 'it is a folder' : 'it is not a file');
      await access(path, constants.R_OK);
    } catch (error) {
      if (error instanceof ChsError) throw error;
      const code = codeOf(error) ?? 'an unknown error';
      if (code === 'ENOENT') throw new ChsError('SOURCE_MISSING', { name, path }, { cause: error });
      const isDenied = code === 'EACCES' || code === 'EPERM';
      throw unreadable(isDenied ? 'permission denied' : `the disk says ${code}`, error);
    }
  }
}
