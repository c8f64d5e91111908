/** What the tests of the daemon's routes share: both modes, requests, replies, and what is on disk. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Reached, reach, type Settings } from '../fixtures/chs.ts';

export type FileKind = 'minidump' | 'pdb' | 'exe';

/** One test for the app in this process and the same one for a daemon behind a socket. */
export function inBoth(
  name: string,
  test: (t: Test, chs: Reached) => Promise<unknown>,
  settings: Settings = {},
): void {
  for (const mode of ['embedded', 'daemon'] as const) {
    t.test(`${name} (${mode})`, async (t) => {
      await test(t, await reach(t, mode, settings));
    });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON, or the text when it is none. */
  readonly body: unknown;
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Text it stays.
  }
  return { status: response.status, headers: response.headers, body };
}

export async function ask(chs: Reached, path: string, init?: RequestInit): Promise<Answer> {
  return answerOf(await chs.fetch(path, init));
}

/** The documented multipart: `metadata`, then the file. Null leaves the metadata out. */
export function formOf(kind: FileKind, metadata: unknown, bytes: Uint8Array, fileName?: string): FormData {
  const data = new FormData();
  if (metadata !== null)
    data.append('metadata', typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  data.append(kind, new Blob([Uint8Array.from(bytes)]), fileName ?? `file.${kind}`);
  return data;
}

export function send(
  chs: Reached,
  kind: FileKind,
  metadata: unknown,
  bytes: Uint8Array,
  fileName?: string,
): Promise<Answer> {
  return ask(chs, `/api/upload/${kind}`, { method: 'POST', body: formOf(kind, metadata, bytes, fileName) });
}

/** A raw upload: the body is the file, the input is in the query. */
export function sendRaw(
  chs: Reached,
  kind: FileKind,
  query: string,
  body: RequestInit['body'],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(chs, `/api/upload/${kind}${query}`, {
    method: 'POST',
    body: body ?? null,
    headers: { 'content-type': 'application/octet-stream', ...headers },
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  } as RequestInit);
}

/** What is at `keys` in a parsed reply; undefined where there is nothing. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Object.getOwnPropertyDescriptor(here, key)?.value;
  }
  return here;
}

/** The text at `keys`; fails the test by throwing when there is none. */
export function textAt(answer: Answer, ...keys: readonly (string | number)[]): string {
  const value = at(answer.body, ...keys);
  if (typeof value === 'string') return value;
  throw new Error(`no text at ${keys.join('.')} in ${answer.status} ${JSON.stringify(answer.body)}`);
}

export function listAt(answer: Answer, ...keys: readonly (string | number)[]): readonly unknown[] {
  const value = at(answer.body, ...keys);
  if (Array.isArray(value)) return value;
  throw new Error(`no list at ${keys.join('.')} in ${answer.status} ${JSON.stringify(answer.body)}`);
}

/**
 * Every file below the storage root, and every entry of its journal, half-done uploads included; but
 * not what is set aside for a full disk.
 */
export function stored(chs: Reached): string[] {
  const root = join(chs.folder, 'storage');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: relative(root, join(entry.parentPath, entry.name)).split(sep) }))
    .filter(({ path }) => path[1] !== 'reserve')
    .filter(({ entry, path }) => entry.isFile() || (path[0] === '.incoming' && path.length > 2))
    .map(({ path }) => path.join('/'))
    .sort();
}

/** Every folder below the storage root but the journal's. */
export function storedFolders(chs: Reached): string[] {
  const root = join(chs.folder, 'storage');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('.incoming'))
    .sort();
}

export function logOf(chs: Reached): string {
  const file = join(chs.folder, 'logs', 'server.log');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The log once it holds what is waited for: a command's log opens only when there is something to write. */
export async function logWith(chs: Reached, pattern: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 400 && !pattern.test(logOf(chs)); attempt += 1) await setTimeout(25);
  return logOf(chs);
}

/** A copy of `bytes` that differs from it in its last byte or more: another file of the same identity. */
export function mutated(bytes: Uint8Array, mark: string): Buffer {
  return Buffer.concat([bytes, Buffer.from(mark)]);
}
