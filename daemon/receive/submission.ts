/**
 * A crash as the clients of Breakpad, Crashpad and Mozilla send it: multipart with a minidump, and everything else is
 * annotations. What is wrong with an annotation costs the annotation, not the crash; only limits are limits.
 */
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import type { Discardable, IncomingFile, Received } from '../../src/operation.ts';
import {
  type AnnotationCounter,
  type AnnotationLimits,
  createAnnotationCounter,
} from '../../src/platform/annotation-limits.ts';
import { ChsError, printable } from '../../src/platform/errors.ts';
import { parseJsonObject } from '../decode.ts';
import { boundaryOf, type Part, readParts } from './parts.ts';

/** Mozilla's clients send all annotations as the members of one JSON object in a part of this name. */
const EXTRA = 'extra';
/** Files beside the dump are no annotations, unless they are text. */
const ATTACHMENTS_MAX = 100;
/** What is not kept is told of one by one up to here. */
const TOLD_MAX = 20;
const NAME_CHARS_SHOWN = 80;

export interface SubmissionOptions {
  readonly contentType: string;
  /** The name of the part that is the minidump, whether it has a file name or not. */
  readonly part: string;
  readonly query: Readonly<Record<string, string>>;
  readonly limits: AnnotationLimits;
}

type Annotations = Readonly<Record<string, string>>;

/**
 * @param body the measured body; it is read to its end, or left at the first error
 * @param take receives the dump as it arrives
 * @throws ChsError BAD_MULTIPART, BODY_TRUNCATED, MISSING_PART, REPEATED_PART, ANNOTATION_LIMIT,
 *   INVALID_ANNOTATIONS; whatever `take` or the body fail with
 */
export async function readSubmission<T extends Discardable>(
  body: Readable,
  { contentType, part: dumpName, query, limits }: SubmissionOptions,
  take: (file: IncomingFile) => Promise<T>,
): Promise<Received<Annotations, T>> {
  const boundary = boundaryOf(contentType);
  const gathering = startGathering(query, limits);
  let dump: { taken: T; fileName: string | null } | null = null;
  try {
    for await (const part of readParts(body, boundary)) {
      if (part.name !== dumpName) await gather(gathering, part);
      else if (dump) throw new ChsError('REPEATED_PART', { part: dumpName });
      else {
        const bytes = Readable.from(part.bytes, { objectMode: false });
        dump = { taken: await take({ bytes, fileName: part.fileName }), fileName: part.fileName };
      }
    }
    if (!dump) throw new ChsError('MISSING_PART', { part: dumpName });
  } catch (error) {
    await dump?.taken.discard();
    throw error;
  }
  return { input: gathered(gathering), unknownFields: [], notKept: told(gathering), ...dump };
}

interface Gathering {
  readonly limits: AnnotationLimits;
  readonly counter: AnnotationCounter;
  /** Of one name, a part of its own counts before a member of `extra`, and that before the query. */
  readonly query: Annotations;
  readonly extra: Map<string, string>;
  readonly parts: Map<string, string>;
  readonly notKept: { readonly name: string; readonly bytes: number }[];
}

function startGathering(query: Annotations, limits: AnnotationLimits): Gathering {
  const counter = createAnnotationCounter(limits);
  for (const [name, value] of Object.entries(query)) counter.add(name, Buffer.byteLength(value));
  return { limits, counter, query, extra: new Map(), parts: new Map(), notKept: [] };
}

/** Reads one part to its end, and keeps it in memory only as far as it may be kept at all. */
async function gather(gathering: Gathering, part: Part): Promise<void> {
  const { counter, limits, extra, parts, notKept } = gathering;
  const { name } = part;
  const isText = name !== '' && (name === EXTRA || !isAttachment(part));
  const isCandidate = isText || (name !== '' && counter.fits(name, 0));
  const { bytes, held } = await drained(
    part,
    !isCandidate ? 0 : isText ? limits.maxBytes : counter.bytesLeft,
  );
  const members = name === EXTRA && held !== null ? membersOf(part, held) : null;
  if (members) {
    for (const [member, value] of members) {
      counter.add(member, Buffer.byteLength(value));
      extra.set(member, value);
    }
    return;
  }
  const text = isText ? (held?.toString('utf8') ?? '') : textOf(held);
  if (isText || (text !== null && counter.fits(name, bytes))) {
    counter.add(name, bytes);
    parts.set(name, text ?? '');
  } else if (notKept.push({ name, bytes }) > ATTACHMENTS_MAX)
    throw new ChsError('BAD_MULTIPART', { reason: `more than ${ATTACHMENTS_MAX} files beside the minidump` });
}

/** @returns how much there was, and all of it where that is at most `maxBytes` */
async function drained({ bytes }: Part, maxBytes: number): Promise<{ bytes: number; held: Buffer | null }> {
  const pieces: Buffer[] = [];
  let count = 0;
  for await (const piece of bytes) {
    count += piece.length;
    if (count <= maxBytes) pieces.push(piece);
    else pieces.length = 0;
  }
  return { bytes: count, held: count <= maxBytes ? Buffer.concat(pieces) : null };
}

/** Text has no file name, and says so or says nothing of its type. */
function isAttachment({ fileName, contentType }: Part): boolean {
  return fileName !== null || (contentType !== null && !/^(text\/|application\/json$)/.test(contentType));
}

/**
 * The members of a JSON object; null for text that merely has the name of such a part.
 *
 * @throws ChsError INVALID_ANNOTATIONS
 */
function membersOf(part: Part, held: Buffer): [name: string, value: string][] | null {
  const text = held.toString('utf8');
  const isDeclared = isAttachment(part) || part.contentType === 'application/json';
  if (!isDeclared && !text.trimStart().startsWith('{')) return null;
  const refusal = (reason: string): ChsError => new ChsError('INVALID_ANNOTATIONS', { part: EXTRA, reason });
  return Object.entries(parseJsonObject(withExactNumbers(text), refusal)).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

/**
 * JSON with those numbers as texts that would lose digits as JavaScript's: addresses and IDs have 64 bits.
 * Outside of texts there is nothing else in JSON that looks like a number.
 */
function withExactNumbers(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(token),
  );
}

/** Null for what is no text: other bytes than UTF-8, or zeros among them. */
function textOf(held: Buffer | null): string | null {
  return held !== null && isUtf8(held) && !held.includes(0) ? held.toString('utf8') : null;
}

function gathered({ query, extra, parts }: Gathering): Annotations {
  return Object.fromEntries([...Object.entries(query), ...extra, ...parts]);
}

function told({ notKept }: Gathering): string[] {
  const sentences = notKept
    .slice(0, TOLD_MAX)
    .map(
      ({ name, bytes }) =>
        `The attachment "${printable(name, NAME_CHARS_SHOWN)}" (${bytes} bytes) is not kept`,
    );
  const others = notKept.length - sentences.length;
  return others > 0 ? [...sentences, `${others} more attachments are not kept`] : sentences;
}
