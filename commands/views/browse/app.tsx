/** The browser on a terminal: keys in, screens out, and the requests that bring in what is shown. */
import { render, useApp, useInput } from 'ink';
import { type ReactNode, useEffect, useReducer, useRef, useState } from 'react';
import {
  arrive,
  type BrowseKey,
  type BrowseRow,
  type BrowseState,
  emptyState,
  keysOf,
  press,
  resize,
  wantsMore,
} from './model.ts';
import { FRAME_ROWS, type Histogram, Screen } from './screen.tsx';

/** Where the lines come from. */
export interface BrowseSource {
  readonly title: string;
  /** The next lines; null when there are none any more. */
  more(): Promise<{ readonly rows: readonly BrowseRow[]; readonly hasMore: boolean }>;
  histogram(buckets: number): Promise<Histogram | null>;
  around(
    row: BrowseRow,
    rows: number,
  ): Promise<readonly { readonly number: number; readonly text: string }[]>;
  shown(file: string): string;
}

/** A person who holds down a key passes many lines; only where they stop the context is asked for. */
const CONTEXT_DELAY_MS = 80;
const CONTEXT_ROWS_MAX = 12;

type Action =
  | { readonly type: 'key'; readonly key: BrowseKey }
  | { readonly type: 'rows'; readonly rows: readonly BrowseRow[]; readonly hasMore: boolean }
  | { readonly type: 'size'; readonly height: number };

function reduce(state: BrowseState, action: Action): BrowseState {
  if (action.type === 'key') return press(state, action.key);
  return action.type === 'rows' ? arrive(state, action.rows, action.hasMore) : resize(state, action.height);
}

/** What stood on the terminal before comes back at the end (xterm's alternate screen). */
const OTHER_SCREEN = '\u001B[?1049h\u001B[H';
const FIRST_SCREEN = '\u001B[?1049l';

/** Runs until the person quits. Rejects with what a request failed with. */
export async function browse(source: BrowseSource, signal: AbortSignal): Promise<void> {
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure ??= error;
    app.unmount();
  };
  process.stdout.write(OTHER_SCREEN);
  const app = render(<Browser source={source} fail={fail} />, { exitOnCtrlC: false });
  const stop = (): void => app.unmount();
  signal.addEventListener('abort', stop, { once: true });
  await app.waitUntilExit();
  process.stdout.write(FIRST_SCREEN);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (failure !== null) throw failure;
}

interface BrowserProps {
  readonly source: BrowseSource;
  readonly fail: (error: unknown) => void;
}

function Browser({ source, fail }: BrowserProps): ReactNode {
  const { exit } = useApp();
  const size = useTerminalSize();
  const contextRows = Math.min(CONTEXT_ROWS_MAX, Math.max(0, Math.floor((size.rows - FRAME_ROWS) / 3)));
  const height = Math.max(1, size.rows - FRAME_ROWS - contextRows - 1);
  const [state, dispatch] = useReducer(reduce, { ...emptyState, height });
  useEffect(() => dispatch({ type: 'size', height }), [height]);
  useInput((text, key) => {
    for (const pressed of keysOf(text, key)) dispatch({ type: 'key', key: pressed });
  });
  useEffect(() => {
    if (state.isOver) exit();
  }, [state.isOver, exit]);
  useMore(state, source, dispatch, fail);
  const histogram = useHistogram(source, size.columns, fail);
  const context = useContextLines(state.rows[state.selected] ?? null, source, contextRows, fail);
  const { title, shown } = source;
  return <Screen {...{ state, histogram, context, contextRows, title, shown }} columns={size.columns} />;
}

function terminalSize(): { columns: number; rows: number } {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

function useTerminalSize(): { columns: number; rows: number } {
  const [size, setSize] = useState(terminalSize);
  useEffect(() => {
    const onResize = (): void => setSize(terminalSize());
    process.stdout.on('resize', onResize);
    return () => void process.stdout.off('resize', onResize);
  }, []);
  return size;
}

function useMore(
  state: BrowseState,
  source: BrowseSource,
  dispatch: (action: Action) => void,
  fail: (error: unknown) => void,
): void {
  const loading = useRef(false);
  useEffect(() => {
    if (loading.current || !wantsMore(state)) return;
    loading.current = true;
    source
      .more()
      .then(({ rows, hasMore }) => {
        loading.current = false;
        dispatch({ type: 'rows', rows, hasMore });
      })
      .catch(fail);
  }, [state, source, dispatch, fail]);
}

function useHistogram(
  source: BrowseSource,
  columns: number,
  fail: (error: unknown) => void,
): Histogram | null {
  const [histogram, setHistogram] = useState<Histogram | null>(null);
  useEffect(() => {
    source.histogram(Math.max(10, Math.min(columns, 1000))).then(setHistogram, fail);
  }, [source, columns, fail]);
  return histogram;
}

function useContextLines(
  row: BrowseRow | null,
  source: BrowseSource,
  rows: number,
  fail: (error: unknown) => void,
): readonly { readonly number: number; readonly text: string }[] {
  const [lines, setLines] = useState<readonly { readonly number: number; readonly text: string }[]>([]);
  useEffect(() => {
    if (row === null || rows === 0) return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      source.around(row, rows).then((around) => {
        if (isCurrent) setLines(around);
      }, fail);
    }, CONTEXT_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [row, source, rows, fail]);
  return lines;
}
