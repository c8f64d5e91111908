/** The names that modules of stored dumps give to files, in SQL, the same on every database. */
import type { SymbolNameStore } from '../../crash/name-store.ts';
import type { SqlBackend } from './backend.ts';

/** More names than this for one file are never looked at. */
const NAMES_MAX = 50;

/** @param backend an open database, migrated to today's tables */
export function createSymbolNameStore(backend: SqlBackend): SymbolNameStore {
  return {
    async pdbNames({ guidKey, age }) {
      const rows = await backend.read((db) =>
        db
          .selectFrom('modules')
          .select('debug_file as name')
          .distinct()
          .where('guid_key', '=', guidKey)
          .where('age', '=', age)
          .limit(NAMES_MAX)
          .execute(),
      );
      return namesIn(rows);
    },
    async imageNames(timeDateStamp, sizeOfImage) {
      const rows = await backend.read((db) =>
        db
          .selectFrom('modules')
          .select('name')
          .distinct()
          .where('time_date_stamp', '=', timeDateStamp)
          .where('size_of_image', '=', sizeOfImage)
          .limit(NAMES_MAX)
          .execute(),
      );
      return namesIn(rows);
    },
  };
}

function namesIn(rows: readonly { readonly name: string | null }[]): string[] {
  return rows.flatMap(({ name }) => (name === null ? [] : [name]));
}
