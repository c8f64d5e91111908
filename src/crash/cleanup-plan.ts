/** What retention would delete: a beginning of one order, the oldest first, and no more of it than the policy says. */
import type {
  CleanupStore,
  FileTotal,
  Place,
  PlacedFile,
  SymbolFile,
  SymbolSurvey,
} from './cleanup-store.ts';
import type { FileKind } from './store.ts';

const HOUR_MS = 3_600_000;
const PAGE_ROWS = 2_000;

/** Null where there is no such limit. */
export interface RetentionPolicy {
  readonly maxAgeMs: number | null;
  /** Of all stored files together. */
  readonly maxSizeBytes: number | null;
  /** Whether PDBs and EXEs that no minidump needs go, too. */
  readonly symbols: boolean;
}

export interface CleanupPlan {
  /** Files go up to this place; null for none. */
  readonly upTo: Place | null;
  /** The PDBs and EXEs that go, in order. */
  readonly symbols: readonly SymbolFile[];
  readonly going: Readonly<Record<FileKind, FileTotal>>;
  readonly stored: Readonly<Record<FileKind, FileTotal>>;
  /** Minidumps that no index knows; while there are some, nobody can say which symbols are needed, and all stay. */
  readonly unindexed: number;
  /** Whether a limit of size waits for those: the minidumps alone would have to pay for the symbols that stay. */
  readonly sizeWaits: boolean;
  /** Minidumps that stay and lose their symbols. */
  readonly noLongerDebuggable: number;
}

export interface PlanRequest {
  readonly policy: RetentionPolicy;
  /** Ages count back from here (epoch milliseconds), and what arrived later does not count at all. */
  readonly asOfMs: number;
  readonly unindexed: number;
}

const nothing: FileTotal = { files: 0, bytes: 0, oldestMs: null, newestMs: null };

/** Changes nothing. */
export async function planCleanup(store: CleanupStore, request: PlanRequest): Promise<CleanupPlan> {
  const { policy, asOfMs, unindexed } = request;
  const stored = {
    minidumps: await store.total('minidumps', asOfMs),
    pdbs: await store.total('pdbs', asOfMs),
    exes: await store.total('exes', asOfMs),
  };
  const survey = policy.symbols && unindexed === 0 ? await store.symbols(asOfMs) : null;
  const symbols = (survey?.files ?? []).filter(({ ms }) => ms < asOfMs).sort(comparePlaces);
  const byAge = policy.maxAgeMs === null ? null : endOf(asOfMs - policy.maxAgeMs - 1);
  const storedBytes = stored.minidumps.bytes + stored.pdbs.bytes + stored.exes.bytes;
  const sizeWaits = policy.maxSizeBytes !== null && unindexed > 0;
  const excessBytes = policy.maxSizeBytes === null || sizeWaits ? 0 : storedBytes - policy.maxSizeBytes;
  const known = { stored, unindexed, sizeWaits };
  const upTo = await reach(store, { from: byAge, symbols, excessBytes, asOfMs });

  if (upTo === null) {
    const going = { minidumps: nothing, pdbs: nothing, exes: nothing };
    return { ...known, upTo, symbols: [], going, noLongerDebuggable: 0 };
  }
  const goingSymbols = symbols.filter((file) => comparePlaces(file, upTo) <= 0);
  const pdbs = goingSymbols.filter(({ kind }) => kind === 'pdbs');
  const exes = goingSymbols.filter(({ kind }) => kind === 'exes');
  const going = { minidumps: await store.minidumpsUpTo(upTo), pdbs: totalOf(pdbs), exes: totalOf(exes) };
  const noLongerDebuggable = survey ? await losing(store, survey, pdbs, upTo) : 0;
  return { ...known, upTo, symbols: goingSymbols, going, noLongerDebuggable };
}

/** Minidumps that would lose their symbols: none, as long as no PDB goes before what needs it. */
function losing(
  store: CleanupStore,
  { modulesOf, lastArrivalMs }: SymbolSurvey,
  pdbs: readonly SymbolFile[],
  upTo: Place,
): Promise<number> {
  const served = new Set(pdbs.flatMap(({ id }) => modulesOf.get(id) ?? []));
  const beyond = [...served].filter((id) => (lastArrivalMs.get(id) ?? upTo.ms) > upTo.ms);
  return store.debuggableBeyond(upTo, beyond);
}

/** Whether files come before others: negative when `a` goes first. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  const rank = ({ kind }: Place): number => (kind === 'minidumps' ? 0 : 1);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The last place of a time. */
function endOf(ms: number): Place {
  return { ms, kind: 'exes', id: '\u{10ffff}' };
}

interface Reach {
  /** What goes in any case; null for nothing. */
  readonly from: Place | null;
  /** In order. */
  readonly symbols: readonly SymbolFile[];
  /** So much has to go at least. */
  readonly excessBytes: number;
  readonly asOfMs: number;
}

/** Goes on from a place until enough bytes are before it: hour by hour first, then file by file. */
async function reach(
  store: CleanupStore,
  { from, symbols, excessBytes, asOfMs }: Reach,
): Promise<Place | null> {
  let place = from;
  const isTaken = (file: SymbolFile): boolean => place !== null && comparePlaces(file, place) <= 0;
  let next = symbols.findIndex((file) => !isTaken(file));
  if (next < 0) next = symbols.length;
  let freed = bytesOf(symbols.slice(0, next));
  if (place !== null) freed += (await store.minidumpsUpTo(place)).bytes;

  /** The symbols up to a place that come next. */
  const symbolsUpTo = (end: Place): readonly SymbolFile[] => {
    const start = next;
    for (let file = symbols[next]; file && comparePlaces(file, end) <= 0; file = symbols[next]) next += 1;
    return symbols.slice(start, next);
  };
  /** Takes files in their order as long as more has to go. */
  const takeEach = (files: readonly PlacedFile[]): void => {
    for (const file of files) {
      if (freed >= excessBytes) return;
      place = file;
      freed += file.sizeBytes;
    }
  };
  const fromMs = place === null ? Number.MIN_SAFE_INTEGER : place.ms + 1;
  const hours = freed >= excessBytes ? [] : await store.minidumpHours(fromMs, asOfMs);
  for (const { hour, bytes } of hours) {
    takeEach(symbolsUpTo(endOf(hour * HOUR_MS - 1)));
    if (freed >= excessBytes) return place;
    const end = endOf(Math.min((hour + 1) * HOUR_MS, asOfMs) - 1);
    const during = symbolsUpTo(end);
    if (freed + bytes + bytesOf(during) < excessBytes) {
      freed += bytes + bytesOf(during);
      place = end;
    } else {
      takeEach(await filesWithin(store, place, end, during, excessBytes - freed));
      if (freed >= excessBytes) return place;
    }
  }
  takeEach(symbols.slice(next));
  return place;
}

/** Minidumps after a place and up to another, and symbols among them, in order; as many as `bytes` need, or all. */
async function filesWithin(
  store: CleanupStore,
  after: Place | null,
  upTo: Place,
  symbols: readonly SymbolFile[],
  bytes: number,
): Promise<PlacedFile[]> {
  const files: PlacedFile[] = [];
  let last = after;
  let found = 0;
  while (found < bytes) {
    const page = await store.minidumps(last, upTo, PAGE_ROWS);
    files.push(...page);
    found += bytesOf(page);
    last = page.at(-1) ?? last;
    if (page.length < PAGE_ROWS) break;
  }
  return [...files, ...symbols].sort(comparePlaces);
}

function bytesOf(files: readonly PlacedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function totalOf(files: readonly SymbolFile[]): FileTotal {
  if (files.length === 0) return nothing;
  const times = files.map(({ uploadedMs }) => uploadedMs).sort((a, b) => a - b);
  return {
    files: files.length,
    bytes: bytesOf(files),
    oldestMs: times[0] ?? null,
    newestMs: times.at(-1) ?? null,
  };
}
