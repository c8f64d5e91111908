/** Ten 100 MB minidumps at once: throughput beside a bare server, memory, and queries meanwhile. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../test/fixtures/shared.ts';
import { BENCH_KEY, startPoll, startServer } from './child.ts';
import { type Body, send } from './client.ts';
import {
  alternate,
  MEGABYTE,
  median,
  type Outcome,
  percentile,
  timed,
  withTemporaryFolder,
} from './measure.ts';

const DUMP_BYTES = 104_857_600;
const CONCURRENT = 10;
const ROUNDS = 5;
const POLL_PAUSE_MS = 3;
/** What the client hands to the socket at a time. */
const PIECE_BYTES = 256 * 1024;
/** The end of each dump, different for each. */
const SERIAL_BYTES = 16;
const BARE = 'node:http, SHA-256, file';
const BOUNDARY = 'chs-bench-0f1e2d3c4b5a69788796a5b4c3d2e1f0';

interface Round {
  readonly megabytesPerSecond: number;
  readonly ids: readonly (string | null)[];
  readonly latenciesMs: readonly number[];
}

export async function measure(): Promise<Outcome> {
  const dump = largeDump();
  return withTemporaryFolder(async (folder) => {
    const daemon = await startServer('daemon', join(folder, 'daemon'));
    const bare = await startServer('bare', join(folder, 'bare'));
    // One small upload each, so that idle means: everything is loaded that an upload needs.
    const small = readFileSync(join(projectRoot, 'examples', 'crashme', 'av.dmp'));
    for (const { url } of [daemon, bare]) await upload(url, formOf(small, randomBytes(SERIAL_BYTES), 0));

    let failedCount = 0;
    const allLatenciesMs: number[] = [];
    const idle = { daemon: await daemon.memory(), bare: await bare.memory() };
    /** @param meanwhile the URL that is asked again and again during the uploads */
    const round = async (url: string, meanwhile: string, serial: number): Promise<Round> => {
      const bodies = Array.from({ length: CONCURRENT }, (_, index) =>
        formOf(dump, randomBytes(SERIAL_BYTES), 1 + serial * CONCURRENT + index),
      );
      const poll = startPoll(meanwhile, POLL_PAUSE_MS);
      let ids: (string | null)[] = [];
      const elapsedMs = await timed(async () => {
        ids = await Promise.all(bodies.map((body) => upload(url, body)));
      });
      const latenciesMs = await poll.ask<number[]>('samples');
      await poll.stop();
      return {
        megabytesPerSecond: (CONCURRENT * DUMP_BYTES) / MEGABYTE / (elapsedMs / 1000),
        ids,
        latenciesMs,
      };
    };
    const rates = await alternate(ROUNDS, {
      daemon: async (serial) => {
        const { megabytesPerSecond, ids, latenciesMs } = await round(
          daemon.url,
          `${daemon.url}/list/minidumps`,
          serial,
        );
        failedCount += ids.filter((id) => id === null).length;
        allLatenciesMs.push(...latenciesMs);
        await deleteAll(daemon.url, ids);
        return megabytesPerSecond;
      },
      // The same daemon is asked meanwhile: the questions take their share of the processors.
      bare: async (serial) => (await round(bare.url, `${daemon.url}/health`, serial)).megabytesPerSecond,
    });
    const peak = { daemon: await daemon.memory(), bare: await bare.memory() };
    await Promise.all([daemon.stop(), bare.stop()]);

    const grownBytes = (server: 'daemon' | 'bare') => peak[server].peakBytes - idle[server].residentBytes;
    return {
      figures: [
        {
          name: 'ten of 100 MB at once',
          unit: 'MB/s',
          chs: median(rates.daemon),
          peer: { name: BARE, value: median(rates.bare) },
          wanted: { of: 'ratio', comparison: '>=', bound: 0.7 },
        },
        {
          name: 'failed of them',
          unit: 'files',
          chs: failedCount,
          peer: null,
          wanted: { of: 'chs', comparison: '<=', bound: 0 },
        },
        {
          name: 'memory growth, peak over idle',
          unit: 'MB',
          chs: grownBytes('daemon') / MEGABYTE,
          peer: { name: BARE, value: grownBytes('bare') / MEGABYTE },
          wanted: { of: 'chs', comparison: '<', bound: 100 },
        },
        {
          name: 'list query meanwhile, p99',
          unit: 'ms',
          chs: percentile(allLatenciesMs, 0.99),
          peer: null,
          wanted: { of: 'chs', comparison: '<', bound: 100 },
        },
      ],
      notes: [
        `rounds: chs ${inWords(rates.daemon)}, bare ${inWords(rates.bare)} MB/s; ${allLatenciesMs.length} queries, p50 ${percentile(allLatenciesMs, 0.5).toFixed(1)} ms, longest ${Math.max(...allLatenciesMs).toFixed(0)} ms`,
        `resident: ${(idle.daemon.residentBytes / MEGABYTE).toFixed(0)} MB idle, ${(peak.daemon.peakBytes / MEGABYTE).toFixed(0)} MB peak`,
      ],
    };
  });
}

/** A genuine minidump with bytes behind it that no stream refers to, as large as the default limit allows. */
function largeDump(): Buffer {
  const genuine = readFileSync(join(projectRoot, 'examples', 'crashme', 'av.dmp'));
  const dump = Buffer.allocUnsafe(DUMP_BYTES);
  const pattern = randomBytes(1024 * 1024);
  for (let at = genuine.copy(dump); at < dump.length; ) at += pattern.copy(dump, at);
  return dump;
}

/**
 * The documented request: `metadata` and `minidump`. The dump's last bytes are replaced by `serial`,
 * so that no two have the same SHA-256; its time makes each a name of its own.
 */
function formOf(dump: Buffer, serial: Uint8Array, second: number): Body {
  const metadata = JSON.stringify({
    timestamp: new Date(Date.UTC(2026, 0, 6) + second * 1000).toISOString(),
  });
  const head = [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="metadata"',
    'Content-Type: application/json',
    '',
    metadata,
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="minidump"; filename="crash.dmp"',
    'Content-Type: application/octet-stream',
    '',
    '',
  ].join('\r\n');
  const start = Buffer.from(head);
  const end = Buffer.concat([serial, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
  const shared = dump.subarray(0, dump.length - serial.length);
  return {
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    lengthBytes: start.length + shared.length + end.length,
    pieces: (function* () {
      yield start;
      for (let at = 0; at < shared.length; at += PIECE_BYTES) yield shared.subarray(at, at + PIECE_BYTES);
      yield end;
    })(),
  };
}

/** @returns the ID of what was stored; null when it was refused */
async function upload(url: string, body: Body): Promise<string | null> {
  const { status, text } = await send(`${url}/upload/minidump`, { method: 'POST', key: BENCH_KEY, body });
  if (status === 200) return (JSON.parse(text) as { data: { minidump_id: string } }).data.minidump_id;
  process.stderr.write(`an upload was answered ${status}: ${text.slice(0, 200)}\n`);
  return null;
}

/** Room for the next round. */
async function deleteAll(url: string, ids: readonly (string | null)[]): Promise<void> {
  for (const id of ids) {
    if (id !== null) await send(`${url}/minidumps/${id}`, { method: 'DELETE', key: BENCH_KEY });
  }
}

function inWords(values: readonly number[]): string {
  return values.map((value) => value.toFixed(0)).join('/');
}
