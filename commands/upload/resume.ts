/** Finds out whether the server has a file already, so that a batch goes on where it was interrupted. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { FormatError, parseSource } from '../../src/crash/formats/bytes.ts';
import { parseCabinet, unpackCabinet } from '../../src/crash/formats/cab.ts';
import { baseName, unpackedName } from '../../src/crash/names.ts';
import { ChsError } from '../../src/platform/errors.ts';
import type { CrashClient } from '../crash-files.ts';
import { localFileError } from '../local-file.ts';
import { withFile } from '../positioned-file.ts';
import type { Meter } from '../views/batch-progress.ts';
import type { Fields, Sent, UploadKind } from './kinds.ts';

const READ_BYTES = 256 * 1024;
/** What unpacks to more is no symbol file that any server takes. */
const UNPACKED_BYTES_MAX = 2 ** 31;

interface Fingerprint {
  readonly sha256: string;
  /** The name inside of the cabinet, if it is one. */
  readonly innerName: string | null;
}

/**
 * Asks one server; one that does not know the question is not asked again.
 *
 * @returns what an upload would reply; null when the file has to be sent to know
 */
export type Asking = (client: CrashClient, question: Question) => Promise<Sent | null>;

/** What the server knows of the bytes. */
type Known = Awaited<ReturnType<CrashClient['findBySha256']>>;

export interface Question {
  readonly kind: UploadKind;
  readonly path: string;
  readonly fields: Fields;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

export function createAsking(): Asking {
  let isKnown = true;
  return async (client, { kind, path, fields, meter, signal }) => {
    if (!isKnown) return null;
    const fingerprint = await fingerprintOf(path, meter, signal);
    if (fingerprint === null) return null;
    try {
      const { sha256, innerName } = fingerprint;
      const known = await client.findBySha256({ kind: kind.wire, sha256 }, { signal });
      const { id, reply } = known;
      if (id === null || reply === null || !saysNothingNew(fields, known, kind, innerName)) return null;
      return { id, reply };
    } catch (error) {
      // An older server: then everything is sent, and it finds the same bytes by itself.
      if (!(error instanceof ChsError) || error.code !== 'ROUTE_NOT_FOUND') throw error;
      isKnown = false;
      return null;
    }
  };
}

/** Null for a cabinet that cannot be unpacked here: what is wrong with it is for the server to say. */
async function fingerprintOf(path: string, meter: Meter, signal: AbortSignal): Promise<Fingerprint | null> {
  const hash = createHash('sha256');
  const bytes = await withFile(path, async (source) => {
    const isCabinet =
      source.sizeBytes >= 4 && Buffer.from(await source.read(0, 4)).toString('latin1') === 'MSCF';
    if (!isCabinet) return null;
    try {
      const cabinet = await parseSource(source, parseCabinet(source.sizeBytes));
      const [file, ...others] = cabinet.files;
      if (!file || others.length > 0 || file.offsetInFolder + file.sizeBytes > UNPACKED_BYTES_MAX)
        return 'unusable';
      for await (const block of unpackCabinet(source, cabinet, file)) {
        signal.throwIfAborted();
        hash.update(block);
      }
      return { innerName: baseName(file.name) };
    } catch (error) {
      if (error instanceof FormatError) return 'unusable';
      throw error;
    }
  });
  if (bytes === 'unusable') return null;
  if (bytes) return { sha256: hash.digest('hex'), innerName: bytes.innerName };
  try {
    await pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), meter.stream(), hash, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw localFileError(path, error);
  }
  return { sha256: hash.digest('hex'), innerName: null };
}

/**
 * Whether an upload with these fields would be answered with what is stored as it is. Of a file whose declaration
 * and bytes differ, or that nobody could read, only the very same declaration is.
 */
function saysNothingNew(
  fields: Fields,
  { state, declared, reply }: Known,
  { nameField }: UploadKind,
  innerName: string | null,
): boolean {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  // Annotations are added to those of the dump, which nobody else can tell.
  if (given.some(([, value]) => typeof value === 'object')) return false;
  const before = declared ?? {};
  if (state !== 'verified') {
    return (
      Object.keys(before).length === given.length &&
      given.every(([name, value]) => String(before[name]) === String(value))
    );
  }
  const stored: Readonly<Record<string, unknown>> = { ...before, ...reply };
  return given.every(([name, value]) => {
    if (name === nameField && innerName !== null)
      return stored[name] === unpackedName(String(value), innerName);
    return name === 'exe_guid' ? plain(value) === plain(stored[name]) : value === stored[name];
  });
}

function plain(guid: unknown): string {
  return String(guid).replace(/[-{}]/g, '').toUpperCase();
}
