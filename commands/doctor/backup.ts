/** What `chs doctor` says of backups: what they are made of, where they go, how old the last verified one is. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import { isPostgresUrl } from '../../src/backup/sources.ts';
import type { BackupState } from '../../src/backup/state.ts';
import { shownAge } from '../views/backup.ts';
import { shownTime } from '../views/facts.ts';
import { type PlaceReport, placeReports, type VerifiedBackup } from './backup-places.ts';
import { postgresTools, sourceCheck } from './backup-sources.ts';
import { type Check, reasonOf } from './check.ts';

export interface BackupExamination {
  readonly loaded: LoadedConfig;
  readonly signal: AbortSignal;
  /** How long a place of backups may take to answer. */
  readonly placeTimeoutMs?: number;
  /** Where programs of PostgreSQL are looked for, in place of everywhere. */
  readonly toolFolders?: readonly string[];
  readonly nowMs?: number;
}

/** Its databases are not known of one that is only remembered. */
type Verified = Pick<NonNullable<BackupState['last_verified']>, 'id' | 'timestamp'> &
  Partial<Pick<VerifiedBackup, 'databases'>>;

/** A bucket of some thousand backups takes a few seconds; a server that is not there may take a minute to say nothing. */
const PLACE_TIMEOUT_MS = 20_000;
const SETTINGS = ['backup.databases', 'backup.target', 'backup.copy_to', 'backup.schedule'];
const MAKE_ONE = '`chs backup create` makes one, and reads it back.';

/**
 * Nothing where there is nothing that could be backed up; one line where nobody asked for a backup so far. Otherwise all
 * of it, each check when it is done.
 *
 * @throws the signal's reason
 */
export async function* backupChecks(given: BackupExamination): AsyncGenerator<Check> {
  const { loaded, signal, toolFolders } = given;
  const { backup, database } = loaded.config;
  const isAsked = SETTINGS.some((key) => (loaded.origin.get(key)?.kind ?? 'default') !== 'default');
  const { readState, STATE_FILE } = await import('../../src/backup/state.ts');
  const statePath = join(dirname(database.path), STATE_FILE);
  if (!isAsked && !existsSync(statePath) && !existsSync(backup.target)) {
    if (existsSync(database.path))
      yield { name: 'backup', status: 'ok', detail: 'none was made so far', advice: MAKE_ONE };
    return;
  }
  // That of chs is opened by another check, or not there before the first upload.
  const sources = Object.entries(backup.databases).filter(([, place]) => place !== database.path);
  for (const [name, place] of sources) yield await sourceCheck(name, place);
  if (sources.some(([, place]) => isPostgresUrl(place))) yield await postgresTools(toolFolders);
  const { placeTimeoutMs: timeoutMs = PLACE_TIMEOUT_MS, nowMs = Date.now() } = given;
  let state: BackupState;
  try {
    // Places are listed with it: what is wrong with it is not their fault.
    state = await readState(statePath);
  } catch (error) {
    yield { name: 'backup', status: 'failed', detail: `${statePath}: ${reasonOf(error)}`, advice: null };
    return;
  }
  const places = await placeReports(loaded, { signal, timeoutMs });
  for (const { check } of places) yield check;
  yield (await keyCheck(dirname(database.path), state)) ?? ageCheck({ loaded, places, state, nowMs });
}

/** Without its key a backup cannot be told from a stranger's, and none counts as verified. Null where all is well. */
async function keyCheck(dataFolder: string, { last_verified }: BackupState): Promise<Check | null> {
  const { trySigner } = await import('../../src/backup/signing.ts');
  const { signer, problem } = await trySigner(dataFolder);
  const isGone = signer === null && problem === null && last_verified !== null;
  if (problem === null && !isGone) return null;
  const detail = problem ?? `the key that signed the last verified one is not in ${dataFolder} any more`;
  const advice = 'Bring it back from where you keep it: without it earlier backups do not count as verified.';
  return { name: 'backup', status: 'failed', detail, advice };
}

interface Age {
  readonly loaded: LoadedConfig;
  readonly places: readonly PlaceReport[];
  readonly state: BackupState;
  readonly nowMs: number;
}

/** Against `backup.max_age`, which a schedule is not needed for here: crontab may make the backups. */
function ageCheck({ loaded, places, state, nowMs }: Age): Check {
  const name = 'backup';
  const { schedule, max_age: maxAgeMs } = loaded.config.backup;
  const failure = failedRun(state, nowMs);
  const verified = newestOf(places, state, nowMs);
  if (!verified) {
    if (state.last_verified) return lostCheck(state.last_verified, places, nowMs);
    const detail = `no backup of everything was verified so far${failure ?? ''}`;
    const isExpected = schedule !== undefined || failure !== null;
    return { name, status: isExpected ? 'warning' : 'ok', detail, advice: MAKE_ONE };
  }
  const taken = `${shownTime(verified.timestamp)} UTC (${shownAge(verified.timestamp, nowMs)})`;
  const detail = `the last verified one, ${verified.id}, was taken at ${taken}`;
  if (maxAgeMs > 0 && nowMs - Date.parse(verified.timestamp) > maxAgeMs) {
    const advice =
      schedule === undefined
        ? `${MAKE_ONE} backup.schedule or \`chs backup cron\` do so each night.`
        : `${MAKE_ONE} backup.schedule works while \`chs serve\` runs, whose log says what went wrong.`;
    const limit = `longer ago than backup.max_age, ${shownSpan(maxAgeMs)}`;
    return { name, status: 'warning', detail: `${detail}, ${limit}${failure ?? ''}`, advice };
  }
  const added = Object.keys(loaded.config.backup.databases).filter(
    (database) => !(verified.databases ?? [database]).includes(database),
  );
  if (added.length > 0) {
    const what = `without ${added.join(', ')}, which backup.databases names`;
    return { name, status: 'warning', detail: `${detail}, ${what}${failure ?? ''}`, advice: MAKE_ONE };
  }
  if (failure === null) return { name, status: 'ok', detail, advice: null };
  const advice = '`chs backup create` tries it again.';
  return { name, status: 'warning', detail: `${detail}${failure}`, advice };
}

/** That was verified, and does not count any more. */
function lostCheck({ id, timestamp }: Verified, places: readonly PlaceReport[], nowMs: number): Check {
  const warning = (reason: string, advice: string): Check => ({
    name: 'backup',
    status: 'warning',
    detail: `the last verified one, ${id}, ${reason}`,
    advice,
  });
  if (Date.parse(timestamp) > nowMs)
    return warning(
      `is dated in the future: ${shownTime(timestamp)} UTC`,
      'Is the clock of this machine right?',
    );
  if (places.some(({ ids }) => ids.includes(id)))
    return warning(
      'is there, and does not count any more',
      `\`chs backup verify ${id}\` says why: a key that was replaced, or damage.`,
    );
  return warning(
    'is in none of the places any more',
    'Is its disk mounted? `chs backup list` shows what there is, `chs backup create` makes one.',
  );
}

/** Null where the last run went well, or there was none. */
function failedRun({ last_run: run }: BackupState, nowMs: number): string | null {
  if (run === null || run.ok) return null;
  return `; the last run, ${shownAge(run.at, nowMs)}, failed: ${run.reason ?? 'it did not say why'}`;
}

/** What the places have counts. Where one cannot be looked into, what is remembered of it does, too. */
function newestOf(
  places: readonly PlaceReport[],
  { last_verified }: BackupState,
  nowMs: number,
): Verified | null {
  const found: (Verified | null)[] = places.map(({ verified }) => verified);
  const isPast = last_verified !== null && Date.parse(last_verified.timestamp) <= nowMs;
  if (isPast && places.some(({ isRead }) => !isRead)) found.push(last_verified);
  const known = found.filter((one) => one !== null);
  return known.sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp))[0] ?? null;
}

function shownSpan(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}
