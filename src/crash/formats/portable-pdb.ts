/** Portable PDBs, the debug files of .NET: a metadata root whose `#Pdb` stream opens with the id. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';
import { formatGuid } from './codeview.ts';

/** What identifies a portable PDB. */
export interface PortablePdb {
  /** The id's first 16 bytes, upper case with dashes. */
  readonly guid: string;
  /** The id's last four bytes: the TimeDateStamp that the PE file's CodeView entry carries. */
  readonly stamp: number;
  readonly warnings: readonly string[];
}

interface MetadataStream {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

const ROOT_BYTES = 16;
const VERSION_BYTES_MAX = 256;
/** The standard names five streams and portable PDBs add one; more than this is no metadata. */
const STREAMS_MAX = 64;
/** With its terminating zero, and padded to a multiple of four. */
const NAME_BYTES_MAX = 32;
const ID_BYTES = 20;

/**
 * Reads the id of a portable PDB of `sizeBytes`.
 *
 * Sources: ECMA-335 partition II, 24.2.1 and 24.2.2 (metadata root, stream headers); "Portable PDB
 * v1.0: Format Specification" (#Pdb stream).
 * @throws FormatError 'pdb' when the metadata is damaged, truncated or has no `#Pdb` stream.
 */
export function* parsePortablePdb(sizeBytes: number): Parsing<PortablePdb> {
  if (sizeBytes < ROOT_BYTES) throw damaged(sizeBytes, 'cut inside the metadata root');
  const root = viewOf(yield { offset: 0, length: ROOT_BYTES });
  if (root.getUint32(0, true) !== 0x424a5342) throw damaged(0, 'no metadata signature (BSJB)');
  const versionBytes = root.getUint32(12, true);
  if (versionBytes > VERSION_BYTES_MAX || versionBytes % 4 !== 0) {
    throw damaged(12, `a version string of ${versionBytes} bytes`);
  }
  const streamsAt = ROOT_BYTES + versionBytes + 4;
  if (streamsAt > sizeBytes) throw damaged(sizeBytes, 'cut inside the version string');
  const tail = yield { offset: ROOT_BYTES, length: versionBytes + 4 };
  const version = textUpToNul(tail.subarray(0, versionBytes));
  const streamCount = viewOf(tail).getUint16(versionBytes + 2, true);
  if (streamCount > STREAMS_MAX) throw damaged(streamsAt - 2, `${streamCount} metadata streams`);

  const streams = yield* streamHeaders(streamsAt, streamCount, sizeBytes);
  const pdb = streams.find((stream) => stream.name === '#Pdb');
  if (!pdb) {
    throw damaged(streamsAt, `.NET metadata of ${streamCount} streams has no #Pdb stream: no id`);
  }
  if (pdb.sizeBytes < ID_BYTES) throw damaged(pdb.offset, `a #Pdb stream of ${pdb.sizeBytes} bytes`);
  const id = yield { offset: pdb.offset, length: ID_BYTES };
  const warnings =
    version === 'PDB v1.0' ? [] : [`the metadata version is ${JSON.stringify(version)}, not "PDB v1.0"`];
  return { guid: formatGuid(id.subarray(0, 16)), stamp: viewOf(id).getUint32(16, true), warnings };
}

function* streamHeaders(from: number, count: number, sizeBytes: number): Parsing<MetadataStream[]> {
  const streams: MetadataStream[] = [];
  let at = from;
  for (let index = 0; index < count; index += 1) {
    const length = Math.min(8 + NAME_BYTES_MAX, sizeBytes - at);
    if (length < 12) throw damaged(sizeBytes, `cut inside the header of stream ${index + 1} of ${count}`);
    const header = yield { offset: at, length };
    const nameBytes = header.subarray(8).indexOf(0);
    if (nameBytes < 0) throw damaged(at + 8, `the name of stream ${index + 1} does not end`);
    const name = textUpToNul(header.subarray(8));
    const view = viewOf(header);
    const stream = { name, offset: view.getUint32(0, true), sizeBytes: view.getUint32(4, true) };
    if (stream.offset + stream.sizeBytes > sizeBytes) {
      throw damaged(at, `stream ${JSON.stringify(name)} reaches past the end of the file`);
    }
    streams.push(stream);
    at += 8 + Math.ceil((nameBytes + 1) / 4) * 4;
  }
  return streams;
}

function textUpToNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function damaged(offset: number, reason: string): FormatError {
  return new FormatError('pdb', offset, reason);
}
