/** The browser's state, and what each key makes of it: pure, so that it can be tested without a terminal. */
import { type Level, levelOf } from '../../../src/logs/levels.ts';

/** A line of the list. */
export interface BrowseRow {
  readonly file: string;
  readonly lineNumber: number;
  readonly byteOffset: number;
  /** RFC 3339, or null. */
  readonly timestamp: string | null;
  readonly content: string;
  readonly level: Level | null;
}

/** What is looked for, and in which direction. The end is the last line of all. */
export interface Seek {
  readonly what: 'find' | 'error' | 'warn' | 'end';
  readonly step: 1 | -1;
}

export interface BrowseState {
  readonly rows: readonly BrowseRow[];
  readonly selected: number;
  /** The first row that is shown. */
  readonly top: number;
  /** Rows that the list has room for. */
  readonly height: number;
  /** What n and N go to; empty: nothing yet. */
  readonly find: string;
  /** The text that is being typed after `/`; null while nothing is. */
  readonly input: string | null;
  readonly showsHelp: boolean;
  /** Whether there are rows that are not loaded. */
  readonly hasMore: boolean;
  /** What could not be found in the loaded rows, and is looked for as more arrive. */
  readonly pending: Seek | null;
  readonly message: string | null;
  readonly isOver: boolean;
}

/** A key as the terminal gave it. */
export interface BrowseKey {
  /** The characters of a plain key or a paste. */
  readonly text: string;
  readonly name?:
    | 'up'
    | 'down'
    | 'pageUp'
    | 'pageDown'
    | 'home'
    | 'end'
    | 'enter'
    | 'escape'
    | 'backspace'
    | undefined;
  readonly ctrl?: boolean;
}

/** More rows than this are not held: a narrower search shows more. */
export const ROWS_MAX = 100_000;
const INPUT_CHARS_MAX = 500;

export const emptyState: BrowseState = {
  rows: [],
  selected: 0,
  top: 0,
  height: 10,
  find: '',
  input: null,
  showsHelp: false,
  hasMore: true,
  pending: null,
  message: null,
  isOver: false,
};

export function rowOf(hit: {
  readonly file: string;
  readonly line_number: number;
  readonly byte_offset: number;
  readonly timestamp: string | null;
  readonly content: string;
}): BrowseRow {
  return {
    file: hit.file,
    lineNumber: hit.line_number,
    byteOffset: hit.byte_offset,
    timestamp: hit.timestamp,
    content: hit.content,
    level: levelOf(hit.content),
  };
}

/** What a key does. */
export function press(state: BrowseState, key: BrowseKey): BrowseState {
  if (key.ctrl && key.text === 'c') return { ...state, isOver: true };
  if (state.input !== null) return type(state, state.input, key);
  if (state.showsHelp) return { ...state, showsHelp: false };
  const quiet = { ...state, message: null, pending: null };
  const move = moveOf(quiet, key);
  if (move !== null) return selectRow(quiet, move);
  switch (key.text) {
    case 'q':
      return { ...quiet, isOver: true };
    case '?':
      return { ...quiet, showsHelp: true };
    case '/':
      return { ...quiet, input: '' };
    case 'G':
      return seek(quiet, { what: 'end', step: 1 });
    case 'n':
    case 'N':
      if (state.find === '') return { ...quiet, message: 'nothing to find yet: / asks for it' };
      return seek(quiet, { what: 'find', step: key.text === 'n' ? 1 : -1 });
    case 'e':
    case 'E':
      return seek(quiet, { what: 'error', step: key.text === 'e' ? 1 : -1 });
    case 'w':
    case 'W':
      return seek(quiet, { what: 'warn', step: key.text === 'w' ? 1 : -1 });
    default:
      return key.name === 'end' ? seek(quiet, { what: 'end', step: 1 }) : quiet;
  }
}

/** The row that a plain movement leads to; null for other keys. */
function moveOf({ selected, height }: BrowseState, { text, name }: BrowseKey): number | null {
  if (text === 'j' || name === 'down') return selected + 1;
  if (text === 'k' || name === 'up') return selected - 1;
  if (text === ' ' || name === 'pageDown') return selected + height;
  if (text === 'b' || name === 'pageUp') return selected - height;
  return text === 'g' || name === 'home' ? 0 : null;
}

function type(state: BrowseState, input: string, { text, name }: BrowseKey): BrowseState {
  if (name === 'escape') return { ...state, input: null };
  if (name === 'backspace') return { ...state, input: [...input].slice(0, -1).join('') };
  if (name === 'enter') {
    if (input === '') return { ...state, input: null };
    const found = { ...state, input: null, find: input, message: null };
    const row = state.rows[state.selected];
    const wanted: Seek = { what: 'find', step: 1 };
    // The line that is looked at may be the one.
    return row && matches(row, wanted, input) ? found : seek(found, wanted);
  }
  if (name !== undefined || /\p{Cc}/u.test(text)) return state;
  return { ...state, input: (input + text).slice(0, INPUT_CHARS_MAX) };
}

/** More rows came, or the last ones did. */
export function arrive(state: BrowseState, rows: readonly BrowseRow[], hasMore: boolean): BrowseState {
  const all = [...state.rows, ...rows].slice(0, ROWS_MAX);
  const isFull = all.length >= ROWS_MAX;
  const next = {
    ...state,
    rows: all,
    hasMore: hasMore && !isFull,
    message: isFull && hasMore ? `only the first ${ROWS_MAX} lines: narrow the search` : state.message,
  };
  return state.pending ? seek({ ...next, pending: null }, state.pending) : next;
}

export function resize(state: BrowseState, height: number): BrowseState {
  return selectRow({ ...state, height: Math.max(1, height) }, state.selected);
}

/** Whether more rows should be loaded: somebody waits for them, or soon will. */
export function wantsMore({ rows, selected, height, hasMore, pending }: BrowseState): boolean {
  return hasMore && (pending !== null || rows.length - selected < height * 3);
}

function selectRow(state: BrowseState, wanted: number): BrowseState {
  const selected = Math.max(0, Math.min(state.rows.length - 1, wanted));
  const top = Math.max(0, Math.min(state.top, selected), selected - state.height + 1);
  return { ...state, selected, top };
}

function seek(state: BrowseState, wanted: Seek): BrowseState {
  const { rows, selected, hasMore } = state;
  if (wanted.what === 'end')
    return { ...selectRow(state, rows.length - 1), pending: hasMore ? wanted : null };
  for (let at = selected + wanted.step; at >= 0 && at < rows.length; at += wanted.step) {
    const row = rows[at];
    if (row && matches(row, wanted, state.find)) return selectRow(state, at);
  }
  if (wanted.step === 1 && hasMore) return { ...state, pending: wanted };
  return { ...state, message: `no ${wanted.step === 1 ? 'more' : 'earlier'} ${NAMES[wanted.what]}` };
}

const NAMES: Readonly<Record<Seek['what'], string>> = {
  find: 'lines with it',
  error: 'errors',
  warn: 'warnings',
  end: 'lines',
};

function matches({ content, level }: BrowseRow, { what }: Seek, find: string): boolean {
  if (what === 'error') return level === 'error' || level === 'fatal';
  if (what === 'warn') return level === 'warn';
  return content.toLowerCase().includes(find.toLowerCase());
}

/** The terminal's names of keys. */
const NAMED = {
  upArrow: 'up',
  downArrow: 'down',
  pageUp: 'pageUp',
  pageDown: 'pageDown',
  home: 'home',
  end: 'end',
  return: 'enter',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'backspace',
} as const;

/** @param key what the terminal says of the input: letters that are typed fast or pasted arrive together, and are a key each */
export function keysOf(text: string, key: Readonly<Record<string, unknown>>): BrowseKey[] {
  const found = Object.entries(NAMED).find(([name]) => key[name] === true);
  if (found) return [{ text, name: found[1], ctrl: key.ctrl === true }];
  const ctrl = key.ctrl === true;
  return Array.from(text, (letter) => ({ text: letter, name: letter === '\r' ? 'enter' : undefined, ctrl }));
}
