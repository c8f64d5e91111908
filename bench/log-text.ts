/** Makes large log files for the benchmarks: the same every time, with rare and frequent words and times in order. */
import { closeSync, openSync, writeSync } from 'node:fs';

/** Lines a second of the log's own time. */
const LINES_A_SECOND = 200;
const START_MS = Date.UTC(2026, 0, 6);
const PIECE_BYTES = 4 * 1024 * 1024;

const LEVELS = ['INFO ', 'INFO ', 'INFO ', 'INFO ', 'DEBUG', 'DEBUG', 'WARN ', 'ERROR'] as const;
const PARTS = [
  'http.Server',
  'db.Pool',
  'auth.Session',
  'cache.Lru',
  'sync.Relay',
  'crash.Intake',
  'gc.Worker',
] as const;
const MESSAGES = [
  'request GET /api/v1/items/{n} finished with status 200 in {n} ms',
  'connection {n} taken from the pool, {n} are idle',
  'session of user_{n} renewed for {n} s',
  'entry {h} dropped after {n} hits',
  'channel {h} relayed {n} operations to {n} devices',
  'stored minidump {h} of {n} bytes',
  'collected {n} objects in {n} ms, heap is {n} KiB',
] as const;

/** What stands on few lines, for searches that find little. */
export const RARE = 'connection reset by peer';
/** On about one line in 50,000. */
const RARE_EVERY = 50_021;

export interface LogText {
  readonly bytes: number;
  readonly lines: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Writes lines until the file has about `bytes` bytes. */
export function writeLog(
  path: string,
  bytes: number,
  encode: (text: string) => Uint8Array = Buffer.from,
): LogText {
  const descriptor = openSync(path, 'w');
  let written = 0;
  let line = 0;
  const random = createRandom(42);
  try {
    while (written < bytes) {
      let piece = '';
      while (piece.length < PIECE_BYTES) {
        piece += lineOf(line, random);
        line += 1;
      }
      written += writeSync(descriptor, encode(piece));
    }
  } finally {
    closeSync(descriptor);
  }
  return { bytes: written, lines: line, startMs: START_MS, endMs: START_MS + (line / LINES_A_SECOND) * 1000 };
}

function lineOf(line: number, random: () => number): string {
  const time = new Date(START_MS + (line / LINES_A_SECOND) * 1000).toISOString();
  const message =
    line % RARE_EVERY === RARE_EVERY - 1
      ? `read failed: ${RARE} (errno ${100 + (line % 7)}) after {n} bytes`
      : (MESSAGES[random() % MESSAGES.length] ?? '');
  const filled = message.replace(/\{([nh])\}/g, (_, kind: string) =>
    kind === 'n' ? String(random() % 10_000) : (random() >>> 0).toString(16),
  );
  return `${time} ${LEVELS[random() % LEVELS.length]} [worker-${random() % 16}] ${PARTS[random() % PARTS.length]}: ${filled}\n`;
}

/** Numbers of 31 bits from a seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >>> 8;
  };
}
