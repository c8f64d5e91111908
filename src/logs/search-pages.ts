/** Where the pages of a search begin: the one after a page, and what was written since the last one. */
import { filesOf, type QueryInput, wholeParts } from './finding.ts';
import type { Cursor, Reached } from './search/cursor.ts';
import type { ScanPart } from './search/plan.ts';
import { findAgain, isSnapshotOf } from './search/snapshot.ts';
import { wholeLinesEnd } from './search/whole-lines.ts';
import type { SessionView } from './sessions.ts';
import { othersTurn } from './source/concurrent.ts';
import type { LogFile } from './source/log-file.ts';
import type { Notice } from './source/notice.ts';

/** More files than this and what is written later is not followed from the cursor alone. */
const TAIL_FILES_MAX = 2_000;

/** What a search asks for besides the lines: kept with it for its later pages. */
export interface SearchInput extends QueryInput {
  readonly page_size?: number | undefined;
  readonly max_hits?: number | undefined;
  readonly context_lines: number;
  readonly whole_events: boolean;
  readonly keep: boolean;
  readonly follow: boolean;
}

/** Where a page begins, and what is known before it is searched for. */
export interface PagePlace {
  readonly parts: readonly ScanPart[];
  /** Line ends of each part before its start. */
  readonly linesBefore: readonly number[];
  /** The place of each part in the snapshot. */
  readonly places: readonly number[];
  readonly snapshot: string | null;
  /** Files end with whole lines, and are few enough for a cursor to say how far each of them was read. */
  readonly canBeFollowed: boolean;
  /** What earlier pages came to the end of, where the search can be followed. */
  readonly done: readonly Reached[];
  /** The search whose snapshot will do for what comes later, too, if nothing has to be kept of this page. */
  readonly tailOf: string | null;
  readonly found: number;
  readonly lastGiven: { readonly part: number; readonly offset: number } | null;
  readonly notices: readonly Notice[];
}

/** Everything from its beginning; of a search that is followed, in whole lines. */
export async function firstPage(
  view: SessionView,
  input: SearchInput,
  options: WholeLinesOptions,
): Promise<PagePlace> {
  const files = filesOf(view.files, input);
  const canBeFollowed = input.follow && files.length <= TAIL_FILES_MAX;
  const parts = canBeFollowed ? await wholeLines(files, options) : wholeParts(files);
  return {
    parts,
    linesBefore: parts.map(() => 0),
    places: parts.map((_, index) => index),
    snapshot: null,
    canBeFollowed,
    done: [],
    tailOf: null,
    found: 0,
    lastGiven: null,
    notices: view.notices,
  };
}

/** From where the cursor says, to where the files ended when the search began. */
export function nextPage(cursor: Cursor, snapshot: string, view: SessionView, input: SearchInput): PagePlace {
  const again = findAgain(snapshot, filesOf(view.files, { ...input, include_globs: [], exclude_globs: [] }));
  const rest = again.files.slice(cursor.part);
  const parts: ScanPart[] = [];
  const linesBefore: number[] = [];
  const places: number[] = [];
  for (const [index, file] of rest.entries()) {
    const place = again.places[cursor.part + index];
    if (!file || !place) continue;
    const isFirst = index === 0;
    places.push(cursor.part + index);
    linesBefore.push(isFirst ? cursor.lines : place.linesBefore);
    parts.push({
      file,
      start: isFirst ? cursor.byte_off : place.start,
      startsLine: isFirst ? cursor.starts_line : true,
      fileEnd: place.end,
    });
  }
  const changed = again.notices.filter(
    ({ file }) => file !== null && !parts.some((part) => part.file.path === file),
  );
  const isSameFile = places[0] === cursor.part;
  return {
    parts,
    linesBefore,
    places,
    snapshot,
    canBeFollowed: input.follow && again.files.length <= TAIL_FILES_MAX,
    done: cursor.done ?? [],
    tailOf: null,
    found: cursor.found,
    lastGiven: isSameFile && cursor.last !== null ? { part: 0, offset: cursor.last } : null,
    notices: [...view.notices, ...changed],
  };
}

/** What was written since, in whole lines; files that are new from their beginning. */
export async function tailPage(
  cursor: Cursor,
  snapshot: string,
  view: SessionView,
  input: SearchInput,
  options: WholeLinesOptions,
): Promise<PagePlace> {
  const files = filesOf(view.files, input);
  const canBeFollowed = files.length <= TAIL_FILES_MAX;
  const again = findAgain(snapshot, files);
  const reached = new Map<string, readonly [offset: number, lines: number]>();
  for (const [part, offset, lines] of cursor.tail ?? []) {
    const file = again.files[part];
    if (file && file.sizeBytes >= offset) reached.set(file.path, [offset, lines]);
  }
  const ends = canBeFollowed ? await wholeLines(files, options) : wholeParts(files);
  const parts = ends.map((part) => ({
    ...part,
    start: Math.min(part.fileEnd, reached.get(part.file.path)?.[0] ?? 0),
  }));
  return {
    parts,
    linesBefore: parts.map(({ file }) => reached.get(file.path)?.[1] ?? 0),
    places: parts.map((_, index) => index),
    snapshot: null,
    canBeFollowed,
    done: [],
    tailOf: isSnapshotOf(snapshot, parts) ? cursor.pattern_cache_id : null,
    found: 0,
    lastGiven: null,
    notices: view.notices,
  };
}

interface WholeLinesOptions {
  readonly lineBytesMax: number;
  readonly signal: AbortSignal;
}

const FILES_A_TURN = 50;

/** Up to the last line end of each file: what is being written now is not a line yet. */
async function wholeLines(
  files: readonly LogFile[],
  { lineBytesMax, signal }: WholeLinesOptions,
): Promise<ScanPart[]> {
  const parts: ScanPart[] = [];
  for (const [index, part] of wholeParts(files).entries()) {
    // Each file is read where everybody waits, and there may be thousands.
    if (index % FILES_A_TURN === 0) await othersTurn();
    signal.throwIfAborted();
    parts.push({ ...part, fileEnd: wholeLinesEnd(part.file, lineBytesMax) });
  }
  return parts;
}
