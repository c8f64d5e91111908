/** Backups as text: one line of a log, rows of a table, all there is to say of one. */
import type { BackupSummary, CheckResult } from '../../src/backup/fields.ts';
import type { Output } from '../output.ts';
import { datum, type Fact, renderFacts, shownTime } from './facts.ts';
import { shownBytes } from './progress.ts';
import { renderTable } from './table.ts';

type Copy = BackupSummary['copies'][number];

/** `20251224T120000Z-a1b2c3  2 databases  12.4 MB  verified  /data/backups`: for logs, what sorts stands first. */
export function backupLine(backup: BackupSummary): string {
  const { id, databases, files, copies } = backup;
  const what = !files?.count ? counted(databases.length, 'database') : withFiles(databases.length, files);
  const places = copies.map(({ place }) => datum(place)).join(' and ');
  return [id, what, shownBytes(backup.archive_size), stateWord(copies), places || '-'].join('  ');
}

function withFiles(databases: number, { count, size }: NonNullable<BackupSummary['files']>): string {
  return `${counted(databases, 'database')} and ${counted(count, 'file')} (${shownBytes(size)})`;
}

/** `1 file`, `3 files` */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function stateWord(copies: readonly Copy[]): string {
  if (isDamaged(copies)) return 'DAMAGED';
  const isWhole = copies.length > 0 && copies.every(({ verified }) => verified?.ok === true);
  return isWhole ? 'verified' : 'not verified';
}

export function isDamaged(copies: readonly Copy[]): boolean {
  return copies.some(({ verified }) => verified?.ok === false);
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago` */
export function shownAge(iso: string, nowMs: number): string {
  const minutes = Math.floor((nowMs - Date.parse(iso)) / 60_000);
  if (Number.isNaN(minutes)) return datum(iso);
  if (minutes < -1) return 'in the future';
  if (minutes < 1) return 'just now';
  if (minutes < 120) return `${minutes} min ago`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} d ago`;
}

function shownTaken(iso: string, nowMs: number): string {
  return `${shownTime(iso)} UTC (${shownAge(iso, nowMs)})`;
}

/** `20251224T120000Z-a1b2c3, taken 2025-12-24 12:00:00 UTC (3 h ago)`: which one `latest` was, and how old that is. */
export function nameAndTime(
  { id, timestamp }: { readonly id: string; readonly timestamp: string | null },
  nowMs: number,
): string {
  return timestamp === null ? datum(id) : `${datum(id)}, taken ${shownTaken(timestamp, nowMs)}`;
}

/** `3 h ago (full)`, `never`, `DAMAGED`: the copy that was looked at last speaks for all that are whole. */
function verifiedCell(copies: readonly Copy[], nowMs: number): string {
  if (isDamaged(copies)) return 'DAMAGED';
  const [newest] = copies
    .flatMap(({ verified }) => verified ?? [])
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return newest ? `${shownAge(newest.at, nowMs)} (${newest.depth})` : 'never';
}

export async function backupTable(
  backups: readonly BackupSummary[],
  { columns, style }: Pick<Output, 'columns' | 'style'>,
  nowMs: number,
): Promise<string[]> {
  const titles = [
    { title: 'ID' },
    { title: 'WHEN (UTC)', dropOrder: 2 },
    { title: 'DATABASES', shrinkTo: 9 },
    { title: 'SIZE', align: 'right' },
    { title: 'VERIFIED' },
    { title: 'COPIES', align: 'right', dropOrder: 1 },
  ] as const;
  const rows = backups.map(({ id, timestamp, databases, archive_size, copies }) => [
    datum(id),
    shownTime(timestamp),
    datum(databases.map(({ name }) => name).join(', ')),
    shownBytes(archive_size),
    verifiedCell(copies, nowMs),
    String(copies.length),
  ]);
  return renderTable(titles, rows, columns, style);
}

const SIGNATURES: Readonly<Record<BackupSummary['signature'], string>> = {
  own: 'by the key of this installation',
  other: 'by the key of another installation',
  invalid: 'INVALID: the manifest was changed',
};

/** Everything that a backup says of itself. */
export function backupLines(backup: BackupSummary, out: Output, nowMs: number): string[] {
  const { options, made_by, previous, files, copies } = backup;
  const facts: Fact[] = [
    ['id', backup.id],
    ['taken', shownTaken(backup.timestamp, nowMs)],
    ['one instant', backup.one_instant ? 'yes' : `no: ${backup.one_instant_reason ?? 'not said why'}`],
    ['selection', options.compact ? `${options.db}, compacted` : options.db],
    ['size', `${shownBytes(backup.archive_size)}, without the files that it shares with others`],
    ['made by', `chs ${made_by.chs} on ${made_by.host}`],
    ['signature', SIGNATURES[backup.signature]],
    ['sequence', backup.sequence],
    ['previous', previous ? `${previous.id}, manifest SHA-256 ${previous.sha256}` : 'none: it is the first'],
  ];
  const databases = backup.databases.map((database) => ['', ...databaseLines(database, out)]);
  return [
    ...renderFacts(facts, out),
    ...databases.flat(),
    ...(files ? ['', ...filesLines(files, out)] : []),
    ...copies.flatMap((copy, index) => ['', ...copyLines(copy, index, out, nowMs)]),
  ];
}

function databaseLines(database: BackupSummary['databases'][number], out: Output): string[] {
  const violations = database.foreign_key_violations;
  const facts: Fact[] = [
    ['database', `${database.name} (${database.kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'})`],
    ['from', database.path],
    ['server', database.server_version],
    ['size', `${shownBytes(database.size)} (${database.size} bytes)`],
    ['sha256', database.sha256],
    ['pages', database.pages === null ? null : `${database.pages} of ${database.page_size ?? '?'} bytes`],
    ['schema sha256', database.schema_sha256],
    ['foreign keys', violations ? `${counted(violations, 'row')} without the row that they name` : null],
    ['file', `${database.file}, ${shownBytes(database.file_size)} (${database.file_size} bytes)`],
    ['file sha256', database.file_sha256],
  ];
  return renderFacts(facts, out);
}

function filesLines(files: NonNullable<BackupSummary['files']>, out: Output): string[] {
  return renderFacts(
    [
      ['files', `${counted(files.count, 'file')} of ${files.database}, ${shownBytes(files.size)}`],
      ['from', files.path],
      ['list', `${files.list}, ${shownBytes(files.list_size)} (${files.list_size} bytes)`],
      ['list sha256', files.list_sha256],
      ['missing', files.missing.join(', ')],
    ],
    out,
  );
}

function copyLines({ place, verified }: Copy, index: number, out: Output, nowMs: number): string[] {
  const state = verified
    ? `${verified.ok ? 'whole' : 'DAMAGED'}, ${shownTime(verified.at)} UTC (${shownAge(verified.at, nowMs)}, ${verified.depth})`
    : 'never';
  const problems = verified?.problems.map((problem): Fact => ['problem', problem]) ?? [];
  return renderFacts([[index === 0 ? 'place' : 'copy', place], ['verified', state], ...problems], out);
}

/** One line a check; what failed is told in full, as nobody should look for it. */
export async function checkLines(
  checks: readonly (CheckResult & { readonly duration_ms?: number })[],
  { columns, style }: Pick<Output, 'columns' | 'style'>,
): Promise<string[]> {
  const isTimed = checks.some(({ duration_ms }) => duration_ms !== undefined);
  const titles = [
    { title: 'RESULT' },
    { title: 'NAME', shrinkTo: 8 },
    { title: 'CHECK' },
    ...(isTimed ? [{ title: 'TIME', align: 'right', dropOrder: 1 } as const] : []),
    { title: 'DETAIL', shrinkTo: 16 },
  ];
  const rows = checks.map(({ ok, name, check, detail, duration_ms = 0 }) => [
    ok ? 'ok' : 'FAILED',
    datum(name),
    datum(check),
    ...(isTimed ? [`${(duration_ms / 1000).toFixed(1)} s`] : []),
    datum(detail),
  ]);
  const cutAt = checks.every(({ ok }) => ok) ? columns : Number.POSITIVE_INFINITY;
  const [head = '', ...lines] = await renderTable(titles, rows, cutAt, style);
  return [head, ...lines.map((line) => (line.startsWith('FAILED') ? style.red(line) : line))];
}
