/** Whether a SQLite file is whole: integrity, foreign keys, and what its schema is. */
import { statSync } from 'node:fs';
import type { CheckInput, CheckOutput } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';
import { type Database, readQuietly } from './database.ts';

const PROBLEMS_MAX = 100;
const PROBLEM_LENGTH_MAX = 500;
const VIOLATIONS_MAX = 1000;

export interface Checked extends Omit<CheckOutput, 'schemaSha256'> {
  /** The rows of sqlite_schema, each as JSON and a line, sorted: VACUUM may change their order. */
  readonly schema: string;
}

/**
 * Checks a file that nobody else writes to. What is no database, or one that cannot be read to its end, has problems;
 * a file that cannot be opened at all is an error of the system (`ENOENT`, `EACCES`).
 *
 * A table that breaks its own CHECK constraint is no problem of the file: the source took the row.
 */
export function checkFile({ path, depth }: CheckInput): Checked {
  if (!statSync(path).isFile()) return { ...NOTHING, problems: ['it is not a file'] };
  const problems: string[] = [];
  try {
    return readQuietly(path, (database) => {
      database.pragma('cell_size_check = on');
      // Constraints may call functions that only their own program has.
      database.pragma('ignore_check_constraints = on');
      const facts = factsOf(database);
      collectProblems(database, depth, problems);
      const foreignKeyViolations = problems.length > 0 ? 0 : countViolations(database);
      return { ...facts, foreignKeyViolations, problems };
    });
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (!code.startsWith('SQLITE_')) throw error;
    const said = code === 'SQLITE_NOTADB' ? 'file is not a database' : String((error as Error).message);
    return { ...NOTHING, problems: [...problems, said].slice(0, PROBLEMS_MAX) };
  }
}

const NOTHING: Checked = {
  problems: [],
  pages: 0,
  pageSizeBytes: 0,
  schema: '',
  foreignKeyViolations: 0,
  tables: 0,
};

type Facts = Pick<Checked, 'pages' | 'pageSizeBytes' | 'schema' | 'tables'>;

function factsOf(database: Database): Facts {
  const number = (name: string): number => Number(database.pragma(name, { simple: true }));
  return {
    pages: number('page_count'),
    pageSizeBytes: number('page_size'),
    schema: schemaOf(database),
    tables: Number(
      database.prepare(`select count(*) from sqlite_schema where type = 'table'`).pluck().get() ?? 0,
    ),
  };
}

function schemaOf(database: Database): string {
  const rows = database.prepare('select type, name, tbl_name, sql from sqlite_schema').raw().iterate();
  const lines: string[] = [];
  for (const row of rows) lines.push(`${JSON.stringify(row)}\n`);
  return lines.sort().join('');
}

function collectProblems(database: Database, depth: CheckInput['depth'], problems: string[]): void {
  const pragma = depth === 'quick' ? 'quick_check' : 'integrity_check';
  for (const text of database.prepare(`pragma ${pragma}(${PROBLEMS_MAX})`).pluck().iterate()) {
    if (text === 'ok') continue;
    // One row may hold many lines.
    for (const line of String(text).split('\n')) {
      if (problems.length >= PROBLEMS_MAX) return;
      problems.push(line.slice(0, PROBLEM_LENGTH_MAX));
    }
  }
}

function countViolations(database: Database): number {
  let count = 0;
  try {
    for (const _ of database.prepare('pragma foreign_key_check').iterate()) {
      count += 1;
      if (count >= VIOLATIONS_MAX) break;
    }
  } catch (error) {
    // A foreign key that refers to no key of its parent cannot be checked; inserting fails the same way.
    if (codeOf(error) !== 'SQLITE_ERROR') throw error;
  }
  return count;
}
