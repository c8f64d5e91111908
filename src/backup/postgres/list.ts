/** Reads an archive of pg_dump: what is in it, and whether all of it can be read. */
import { reasonOf, runTool } from './process.ts';
import { newestTools, type PostgresTools } from './tools.ts';
import { libpqEnvironment } from './url.ts';

export interface DumpContents {
  readonly entries: number;
  readonly tables: number;
}

export interface DumpCheck {
  readonly entries: number;
  /** pg_restore's own words; empty when the archive is whole. */
  readonly problems: readonly string[];
}

/** No server is asked. */
const environment = () =>
  libpqEnvironment({ hosts: [], database: null, user: null, password: null, service: null, options: {} });

/**
 * Reads an archive whole: its table of contents, and then every block of data, which is decompressed and compared with
 * zlib's checksums. The table of contents has none: that a byte of a name or a statement changed is for the SHA-256 of
 * the file to find.
 *
 * @throws ChsError DATABASE_TOOL; the signal's reason
 */
export async function listDump(
  file: string,
  signal: AbortSignal,
  folders?: readonly string[],
): Promise<DumpCheck> {
  const tools = await newestTools(folders);
  const listed = await contents(tools, file, signal);
  if (typeof listed === 'string') return { entries: 0, problems: [listed] };
  // Into a script that nobody keeps: there is no other way to have every block read, and `-` works on Windows too.
  const read = await runTool({
    file: tools.pgRestore,
    args: ['--file=-', file],
    env: environment(),
    signal,
    output: 'discard',
  });
  return { entries: listed.entries, problems: read.exitCode === 0 ? [] : [reasonOf(read, null)] };
}

/**
 * Counts what an archive's table of contents names.
 *
 * @returns what is in it, or, as text, why it cannot be read
 * @throws the signal's reason
 */
export async function contents(
  tools: PostgresTools,
  file: string,
  signal: AbortSignal,
): Promise<DumpContents | string> {
  let entries = 0;
  let tables = 0;
  let line = '';
  const result = await runTool({
    file: tools.pgRestore,
    args: ['--list', file],
    env: environment(),
    signal,
    output: (piece) => {
      // Latin-1, as the lines' beginnings are ASCII and a character may lie across two pieces.
      const lines = (line + piece.toString('latin1')).split('\n');
      line = (lines.pop() ?? '').slice(0, 4096);
      for (const each of lines) {
        if (/^\d+; /.test(each)) entries += 1;
        if (/^\d+; \d+ \d+ TABLE (?!DATA |ATTACH )/.test(each)) tables += 1;
      }
    },
  });
  return result.exitCode === 0 ? { entries, tables } : reasonOf(result, null);
}
