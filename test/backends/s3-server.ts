/** The server of S3 that CHS_TEST_S3 names, and a small one of our own that does what a test tells it to. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Test } from 'tap';
import type { S3Settings } from '../../src/backends/s3/client.ts';

export const BUCKET = 'chs-tests';

/** `http://ACCESS:SECRET@HOST:PORT`, both URL-encoded; null where there is no such server. */
export function realServer(): (S3Settings & { readonly endpoint: string }) | null {
  const given = process.env.CHS_TEST_S3;
  if (!given) return null;
  const url = new URL(given);
  return {
    endpoint: url.origin,
    region: 'us-east-1',
    access_key_id: decodeURIComponent(url.username),
    secret_access_key: decodeURIComponent(url.password),
    path_style: true,
  };
}

/** Makes the bucket of the tests, unless it is there. */
export async function makeBucket(settings: S3Settings & { readonly endpoint: string }): Promise<void> {
  const client = sdkClient(settings);
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  } catch (error) {
    if (!(error instanceof Error && error.name.startsWith('BucketAlready'))) throw error;
  } finally {
    client.destroy();
  }
}

/** The SDK without anything of ours, to look behind the target's back. */
export function sdkClient(settings: S3Settings & { readonly endpoint: string }): S3Client {
  return new S3Client({
    region: settings.region,
    endpoint: settings.endpoint,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: {
      accessKeyId: settings.access_key_id ?? '',
      secretAccessKey: settings.secret_access_key ?? '',
    },
  });
}

export const newPrefix = (): string => `t-${randomBytes(6).toString('hex')}`;

export interface OddServer {
  readonly settings: S3Settings & { readonly endpoint: string };
  /** What it holds, by key. */
  readonly objects: Map<string, Buffer>;
  /** When an object was put, for lists that tell it; without one, the time is left out. */
  readonly putAt: Map<string, Date>;
  /** Uploads in parts that nobody completed: key and when each began. */
  readonly uploads: Map<string, Date>;
  /** `METHOD KEY` of each request, as they came. */
  readonly requests: string[];
  /** Answers in place of the server; false leaves it to the server. */
  odd: (request: IncomingMessage, response: ServerResponse, key: string) => boolean;
}

/** Holds objects in memory, and believes every signature. */
export async function oddServer(t: Test): Promise<OddServer> {
  const server = createServer();
  const odd: OddServer = {
    settings: {
      endpoint: '',
      region: 'us-east-1',
      access_key_id: 'AKIDEXAMPLE',
      secret_access_key: 'not-to-be-shown',
      path_style: true,
    },
    objects: new Map(),
    putAt: new Map(),
    uploads: new Map(),
    requests: [],
    odd: () => false,
  };
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    const key = decodeURIComponent(url.pathname.slice(BUCKET.length + 2));
    odd.requests.push(`${request.method} ${key}`);
    if (odd.odd(request, response, key)) return request.resume();
    answer(odd, key, url, request, response).catch((error) => response.destroy(error));
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(odd, { settings: { ...odd.settings, endpoint: `http://127.0.0.1:${port}` } });
}

/** A failure as S3 words it. */
export function refuse(response: ServerResponse, status: number, code: string): true {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>key AKIDEXAMPLE</Message></Error>`);
  return true;
}

async function answer(
  { objects, putAt, uploads }: OddServer,
  key: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const found = objects.get(key);
  if (request.method === 'PUT') {
    if (request.headers['if-none-match'] === '*' && found) refuse(response, 412, 'PreconditionFailed');
    else {
      objects.set(key, Buffer.concat(parts));
      response.writeHead(200, { etag: '"1"' }).end();
    }
  } else if (request.method === 'DELETE') {
    if (url.searchParams.has('uploadId')) uploads.delete(key);
    else objects.delete(key);
    response.writeHead(204).end();
  } else if (key === '') {
    const prefix = url.searchParams.get('prefix') ?? '';
    const list = url.searchParams.has('uploads')
      ? uploadsBelow(prefix, uploads)
      : objectsBelow(prefix, url.searchParams.get('delimiter') ?? '\0', objects, putAt);
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(list);
  } else if (!found) refuse(response, 404, 'NoSuchKey');
  else {
    response.writeHead(200, { etag: '"1"', 'content-length': found.length });
    response.end(request.method === 'HEAD' ? undefined : found);
  }
}

function uploadsBelow(prefix: string, uploads: ReadonlyMap<string, Date>): string {
  const listed = [...uploads].filter(([key]) => key.startsWith(prefix));
  const rows = listed.map(
    ([key, at]) =>
      `<Upload><Key>${key}</Key><UploadId>1</UploadId><Initiated>${at.toISOString()}</Initiated></Upload>`,
  );
  return `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListMultipartUploadsResult>`;
}

function objectsBelow(
  prefix: string,
  delimiter: string,
  objects: ReadonlyMap<string, Buffer>,
  putAt: ReadonlyMap<string, Date>,
): string {
  const rows = new Set<string>();
  for (const key of objects.keys()) {
    if (!key.startsWith(prefix)) continue;
    const end = key.indexOf(delimiter, prefix.length);
    const at = putAt.get(key);
    const time = at ? `<LastModified>${at.toISOString()}</LastModified>` : '';
    rows.add(
      end < 0
        ? `<Contents><Key>${key}</Key><Size>1</Size>${time}</Contents>`
        : `<CommonPrefixes><Prefix>${key.slice(0, end + 1)}</Prefix></CommonPrefixes>`,
    );
  }
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${[...rows].join('')}</ListBucketResult>`;
}
