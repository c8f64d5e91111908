/**
 * Reads the parts of multipart/form-data (RFC 7578, RFC 2046 5.1) one after another, as they arrive: whether a part is
 * a file is for whoever asks for it to say, since some clients leave out the file name.
 */
import { ChsError } from '../../src/platform/errors.ts';

/** All headers of one part together. */
const HEADER_BYTES_MAX = 16 * 1024;
/** A boundary has 70 characters at most (RFC 2046, 5.1.1); clients that have more mean well. */
const BOUNDARY_CHARS_MAX = 200;

export interface Part {
  /** Empty where the part has none. */
  readonly name: string;
  readonly fileName: string | null;
  /** In lower case, without parameters. */
  readonly contentType: string | null;
  /** To be read before the next part is asked for; what is left is skipped. */
  readonly bytes: AsyncGenerator<Buffer, void>;
}

/** @throws ChsError BAD_MULTIPART */
export function boundaryOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  if (boundary === '' || boundary.length > BOUNDARY_CHARS_MAX) throw bad('Multipart: Boundary not found');
  return boundary;
}

/**
 * @param body pieces of any size; read to its end, unless whoever asks stops before
 * @throws ChsError BAD_MULTIPART, BODY_TRUNCATED
 */
export async function* readParts(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<Part, void> {
  const source = new Pieces(body);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter needs no line before it; whatever comes before it means nothing.
  source.unread('\r\n');
  for await (const _ of source.until(delimiter));
  while (await source.isAnotherPart()) {
    const headers = await source.headers();
    const reading = { isOver: false };
    yield { ...describePart(headers), bytes: source.until(delimiter, reading) };
    // Whoever breaks off ends the generator that was given, so this is one of its own.
    if (!reading.isOver) for await (const _ of source.until(delimiter));
  }
  await source.skipRest();
}

/** The body as it arrives, with what was taken of it and not yet wanted. */
class Pieces {
  readonly #body: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body[Symbol.asyncIterator]();
  }

  unread(text: string): void {
    this.#held = Buffer.concat([Buffer.from(text), this.#held]);
  }

  /** What stands before `mark`, as it comes; the mark itself is passed over. */
  async *until(mark: Buffer, reading = { isOver: false }): AsyncGenerator<Buffer, void> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) {
        const before = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + mark.length);
        reading.isOver = true;
        if (before.length > 0) yield before;
        return;
      }
      // The mark may have begun in the last bytes.
      const sure = this.#held.length - (mark.length - 1);
      if (sure > 0) {
        const before = this.#held.subarray(0, sure);
        this.#held = this.#held.subarray(sure);
        yield before;
      }
      await this.#more();
    }
  }

  /** After a delimiter: the end of its line, or the two dashes that close the body. */
  async isAnotherPart(): Promise<boolean> {
    for (;;) {
      const line = this.#held.toString('latin1', 0, HEADER_BYTES_MAX);
      if (line.startsWith('--')) return false;
      const [blanks] = /^[ \t]*\r\n/.exec(line) ?? [];
      if (blanks !== undefined) {
        // The line's end stays: it is the one before the empty line of a part without headers.
        this.#held = this.#held.subarray(blanks.length - 2);
        return true;
      }
      if (/^[ \t]*\n/.test(line)) throw bad('its lines must end with CR LF, and end with LF alone');
      if (!/^([ \t]*\r?|-)$/.test(line) || line.length >= HEADER_BYTES_MAX)
        throw bad('Malformed part header');
      await this.#more();
    }
  }

  async headers(): Promise<string> {
    const end = Buffer.from('\r\n\r\n');
    let at = this.#held.indexOf(end);
    while (at < 0 && this.#held.length <= HEADER_BYTES_MAX) {
      await this.#more();
      at = this.#held.indexOf(end);
    }
    if (at < 0 || at > HEADER_BYTES_MAX) throw bad('Malformed part header');
    const text = this.#held.toString('utf8', 0, at);
    this.#held = this.#held.subarray(at + end.length);
    return text;
  }

  async skipRest(): Promise<void> {
    this.#held = Buffer.alloc(0);
    while (!(await this.#body.next()).done);
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#body.next();
    if (done) throw new ChsError('BODY_TRUNCATED');
    const piece = Buffer.from(value.buffer, value.byteOffset, value.length);
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
  }
}

function describePart(headers: string): Omit<Part, 'bytes'> {
  const header = (name: string): string | null =>
    new RegExp(`(?:^|\\r\\n)${name}:[ \\t]*([^\\r\\n]*)`, 'i').exec(headers)?.[1] ?? null;
  const parameters = parametersOf(header('content-disposition') ?? '');
  return {
    name: parameters.get('name') ?? '',
    fileName: parameters.get('filename') ?? null,
    contentType: header('content-type')?.split(';')[0]?.trim().toLowerCase() || null,
  };
}

/** Browsers and their like write `%22`, CR and LF likewise, where others write a backslash before the quote. */
function parametersOf(disposition: string): ReadonlyMap<string, string> {
  const found = disposition.matchAll(/;\s*([\w-]+)\*?=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g);
  const plain = (text: string): string =>
    text
      .replace(/\\(["\\])/g, '$1')
      .replace(/%(22|0D|0A)/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return new Map(
    Array.from(found, ([, name = '', quoted, token = '']) => [name.toLowerCase(), plain(quoted ?? token)]),
  );
}

function bad(reason: string): ChsError {
  return new ChsError('BAD_MULTIPART', { reason });
}
