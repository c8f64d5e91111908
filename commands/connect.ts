/** Decides where a command's requests go: to a server, or to the daemon's app in this process. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { LoadedConfig } from '../config/load.ts';
import type { Part } from '../daemon/embedded.ts';
import { type Client, type ClientOptions, createClient, type Transport } from '../src/connect.ts';
import type { Operations } from '../src/operation.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import { usageError } from './failure.ts';
import { localFileError } from './local-file.ts';
import type { GlobalOptions } from './run.ts';

const KEY_FILE_BYTES_MAX = 4096;

/** What a command needs of the local data. */
export type LocalPart = Part;

export interface Connection {
  client<T extends Operations>(operations: T): Client<T>;
  /** The server's origin, or `the local data directory`. */
  readonly transportName: string;
  /** Below the typed client, for replies that are no plain success or failure (readiness). */
  readonly transport: Transport;
  /** What a request below the typed client carries: the API key, where there is one. */
  readonly headers: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

interface ConnectOptions {
  readonly loaded: LoadedConfig;
  readonly options: Pick<GlobalOptions, 'server' | 'keyFile'>;
  readonly language: Language;
  /** Ends the wait for a key that comes through a pipe. */
  readonly signal: AbortSignal;
  readonly part?: LocalPart;
}

/** @throws ChsError USAGE for a server URL that cannot be used, LOCAL_FILE for the key file, whatever opening gives */
export async function connect(given: ConnectOptions): Promise<Connection> {
  const { loaded, options, language } = given;
  const server = options.server ?? loaded.config.client.server;
  // The one place in the program that tells a remote daemon from the one in this process.
  if (server === undefined) return connectEmbedded(loaded, language, given.part);
  const url = serverUrl(server);
  const [{ createHttpTransport }, { wrongInReply }] = await Promise.all([
    import('../src/http-transport.ts'),
    import('../src/reply-check.ts'),
  ]);
  const transport = createHttpTransport(url, loaded.config.client.timeout_ms);
  const apiKey = await keyFor(url, given);
  return connectionOver({ transport, apiKey, language, check: wrongInReply });
}

/** The daemon's app in this process, on the data that the configuration names. */
export async function connectEmbedded(
  loaded: LoadedConfig,
  language: Language,
  part: Part = 'all',
): Promise<Connection> {
  const { openEmbedded } = await import('../daemon/embedded.ts');
  const embedded = await openEmbedded(loaded, part);
  const transport: Transport = {
    name: 'the local data directory',
    send: (request) => embedded.send(request),
    close: () => embedded.close(),
  };
  return connectionOver({ transport, apiKey: undefined, language });
}

function connectionOver(options: ClientOptions): Connection {
  const { transport, apiKey } = options;
  return {
    client: (operations) => createClient(operations, options),
    transportName: transport.name,
    transport,
    headers: apiKey === undefined ? {} : { 'x-api-key': apiKey },
    close: () => transport.close(),
  };
}

/** A key in a URL would end up in process lists, shell histories and logs, so it is refused. */
function serverUrl(text: string): URL {
  const example = 'Give it as https://crash.example.org or http://127.0.0.1:3000.';
  if (!URL.canParse(text)) throw usageError('--server: this is not a URL', example);
  const url = new URL(text);
  if (url.username || url.password) {
    throw usageError(
      '--server: a URL with a user or password in it is refused, as other users can read command lines',
      'Give the key by --key-file FILE or by the environment variable CHS_API_KEY.',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usageError(`--server: ${url.protocol.replace(':', '')} is not http or https`, example);
  }
  if (url.search || url.hash)
    throw usageError('--server: the URL must not have a query or fragment', example);
  return url;
}

async function keyFor(url: URL, { loaded, options, signal }: ConnectOptions): Promise<string | undefined> {
  if (options.keyFile !== undefined) return keyFrom(options.keyFile, signal);
  const { client, database } = loaded.config;
  if (client.api_key !== undefined) return client.api_key;
  const { isLoopback } = await import('../src/platform/listen-safety.ts');
  if (!isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return undefined;
  const { readGeneratedKey } = await import('../src/platform/generated-key.ts');
  return readGeneratedKey(dirname(database.path)) ?? undefined;
}

async function keyFrom(path: string, signal: AbortSignal): Promise<string> {
  const bytes = await beginningOf(path, signal);
  // Windows PowerShell writes UTF-16 or UTF-8 with a byte order mark, which trim() takes for a space.
  const text = bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8');
  const [line = ''] = text.split(/\r?\n/, 1);
  const key = line.trim();
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    throw new ChsError('LOCAL_FILE', { path, reason: 'its first line is not an API key' });
  }
  return key;
}

/** The first line of a file or a pipe with whatever came along, or as much as could hold a key. */
async function beginningOf(path: string, signal: AbortSignal): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  try {
    const found = await stat(path);
    const { readSpecialFile } = await import('./special-file.ts');
    const isPlain = found.isFile() || found.isDirectory();
    const stream = isPlain ? createReadStream(path) : await readSpecialFile(path, found);
    for await (const piece of addAbortSignal(signal, stream)) {
      bytes = Buffer.concat([bytes, Buffer.from(piece)]);
      if (bytes.includes('\n') || bytes.length >= KEY_FILE_BYTES_MAX) break;
    }
  } catch (error) {
    throw localFileError(path, error);
  }
  return bytes.subarray(0, KEY_FILE_BYTES_MAX);
}
