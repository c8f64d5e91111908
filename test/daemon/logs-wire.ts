/** What the tests of the log service's routes share: calls of tools, logs to search, and the types of replies. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Test } from 'tap';
import { type Reached, runningDaemon, type Settings, TEST_KEY } from '../fixtures/chs.ts';
import { type Answer, ask, at, listAt, textAt } from './wire.ts';

/** Below a test's folder; `logs` is where the daemon writes its own. */
export const WATCHED = 'watched';

/** Settings with which what stands in WATCHED may be read. */
export const READABLE: Settings = { 'fs.allow_roots': [WATCHED] };

/** Calls a tool; the body is JSON, or text that is sent as it is. */
export function tool(
  chs: Pick<Reached, 'fetch'>,
  name: string,
  body: unknown,
  { prefix = '/tools', headers = {}, signal }: CallOptions = {},
): Promise<Answer> {
  return ask(chs as Reached, `${prefix}/${name}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal ? { signal } : {}),
  });
}

interface CallOptions {
  readonly prefix?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A file below `WATCHED` of a test's folder; gives its path. */
export function writeLog(folder: string, name: string, text: string | Uint8Array): string {
  const path = join(folder, WATCHED, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

export function appendLog(folder: string, name: string, text: string): void {
  appendFileSync(join(folder, WATCHED, name), text);
}

const START_MS = Date.parse('2026-01-06T12:00:00Z');

/** Lines with times a second apart, `word` and their number in each. */
export function numberedLines(
  count: number,
  { word = 'needle', startMs = START_MS, first = 1 } = {},
): string {
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(startMs + index * 1000).toISOString();
    return `${time} INFO ${word} number=${first + index}\n`;
  }).join('');
}

/** A session with everything in `WATCHED`. */
export async function openSession(
  chs: Pick<Reached, 'fetch' | 'folder'>,
  given: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const session_id = textAt(await tool(chs, 'start_session', given), 'session_id');
  const added = await tool(chs, 'add_directory', { session_id, path: join(chs.folder, WATCHED) });
  if (added.status !== 200) throw new Error(`add_directory: ${JSON.stringify(added.body)}`);
  return session_id;
}

/** A daemon on a folder that a test keeps, as when it is started again. */
export async function daemonOn(t: Test, folder: string, settings: Settings = READABLE) {
  const daemon = await runningDaemon(t, settings, folder);
  const withKey = (init?: RequestInit): RequestInit => {
    const headers = new Headers(init?.headers);
    headers.set('x-api-key', TEST_KEY);
    return { ...init, headers };
  };
  return {
    daemon,
    folder,
    fetch: (path: string, init?: RequestInit) => fetch(`${daemon.url}${path}`, withKey(init)),
  };
}

export type Hit = Readonly<Record<string, unknown>>;

/** The hits of a reply. @throws Error for a failure */
export function hitsOf(answer: Answer): readonly Hit[] {
  return listAt(answer, 'hits') as readonly Hit[];
}

/** What tells hits apart and must be the same however they were found: all but the ID and what differs by page. */
export function placesOf(answers: readonly Answer[]): string[] {
  return answers
    .flatMap(hitsOf)
    .map(({ file, line_number, byte_offset, content }) =>
      [file, line_number, byte_offset, content].join(' '),
    );
}

/** All pages of a search, each asked for with the cursor of the one before it; `between` runs before each but the first. */
export async function allPages(
  chs: Pick<Reached, 'fetch'>,
  query: unknown,
  between: (page: number) => void | Promise<void> = () => {},
): Promise<Answer[]> {
  const pages = [await tool(chs, 'search', query)];
  for (;;) {
    const last = pages.at(-1);
    const cursor = at(last?.body, 'cursor');
    if (typeof cursor !== 'string') return pages;
    if (pages.length > 200) throw new Error('these pages have no end');
    await between(pages.length);
    pages.push(await tool(chs, 'search/continue', { cursor }));
  }
}

/** A kind of value: a name, a list of one kind, an object of kinds, or a check of the value itself. */
export type Kind =
  | 'text'
  | 'int'
  | 'number'
  | 'boolean'
  | 'text?'
  | RegExp
  | readonly [Kind]
  | { readonly [field: string]: Kind };

/** What differs from the kind, by its place; nothing where all is as it should be. Fields are neither more nor fewer. */
export function differences(value: unknown, kind: Kind, place = ''): string[] {
  const wrong = (is: boolean, what: string): string[] =>
    is ? [] : [`${place} is ${JSON.stringify(value)}, not ${what}`];
  if (kind instanceof RegExp) return wrong(typeof value === 'string' && kind.test(value), String(kind));
  if (kind === 'text') return wrong(typeof value === 'string', kind);
  if (kind === 'text?') return wrong(value === null || typeof value === 'string', kind);
  if (kind === 'int') return wrong(Number.isSafeInteger(value), kind);
  if (kind === 'number' || kind === 'boolean') return wrong(typeof value === kind, kind);
  if (isListKind(kind)) {
    if (!Array.isArray(value) || value.length === 0) return wrong(false, 'a list with something in it');
    return value.flatMap((item, index) => differences(item, kind[0], `${place}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(false, 'an object');
  const fields = Object.entries(value);
  const more = fields.flatMap(([name]) =>
    Object.hasOwn(kind, name) ? [] : [`${place}.${name} is not documented`],
  );
  const rest = Object.entries(kind).flatMap(([name, one]) => {
    const field = fields.find(([key]) => key === name);
    return field ? differences(field[1], one, `${place}.${name}`) : [`${place}.${name} is missing`];
  });
  return [...more, ...rest];
}

function isListKind(kind: Kind): kind is readonly [Kind] {
  return Array.isArray(kind);
}

export const HOUR_MS = 3_600_000;
export const T0_MS = Date.parse('2026-01-06T00:00:00Z');

/** Three files one after the other in time, one packed: 130 hits in all, and as many lines that are none. */
export function writeThree(folder: string): void {
  const mixed = (count: number, hour: number) => {
    const startMs = T0_MS + hour * HOUR_MS;
    const hits = numberedLines(count, { startMs }).split(/(?<=\n)/);
    return hits.map((line) => `${line}  at frame of nothing\n`).join('');
  };
  writeLog(folder, 'c-first.log', mixed(50, 0));
  writeLog(folder, 'b-second.log.gz', gzipSync(mixed(40, 1)));
  writeLog(folder, 'a-third.log', mixed(40, 2));
}

export const THREE_HITS = 130;
export const LARGE = { page_size: 500 };
