/** Server-Sent Events as text: written and read (WHATWG HTML, 9.2). */
import type { StreamedEvent } from './operation.ts';

/** A stream that has nothing to say says at least this often that it is there. */
export const HEARTBEAT_MS = 15_000;
/** Programs that were cut off should try again so soon. */
const RETRY_MS = 2_000;

/** How a stream begins: from where it goes on, so that whoever is cut off before the first event misses none. */
export function encodeStart(position: number): string {
  return `retry: ${RETRY_MS}\n${encodeHeartbeat(position)}`;
}

/** Nothing but a sign of life, and how far the caller is: an ID without data is remembered, and is no event. */
export function encodeHeartbeat(position: number): string {
  return `: heartbeat\nid: ${position}\n\n`;
}

export function encodeEvent(event: StreamedEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** One block of a stream. */
export interface ReceivedBlock {
  /** The last ID that was given, in this block or before it; null when none was. */
  readonly lastId: string | null;
  /** Null where the block is no event. */
  readonly data: string | null;
}

/**
 * Makes a reader of text that arrives in pieces of any size.
 *
 * @param charsMax more than this in one block is refused by throwing a RangeError
 * @returns what takes a piece and gives the blocks that it completes
 */
export function createBlockReader(charsMax: number): (piece: string) => ReceivedBlock[] {
  let rest = '';
  let lastId: string | null = null;
  let data: string[] = [];
  let dataChars = 0;
  const take = (line: string): ReceivedBlock | null => {
    if (line === '') {
      const block = { lastId, data: data.length > 0 ? data.join('\n') : null };
      data = [];
      dataChars = 0;
      return block;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') data.push(value);
    if (field === 'data') dataChars += value.length;
    // As the standard has it: an ID with NUL in it is none.
    if (field === 'id' && !value.includes('\0')) lastId = value;
    return null;
  };
  return (piece) => {
    const text = rest + piece;
    // A CR at the end may be half of a CR LF.
    const complete = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = complete.split(/\r\n|\r|\n/);
    rest = (lines.pop() ?? '') + text.slice(complete.length);
    const blocks = lines.map(take).filter((block) => block !== null);
    if (rest.length + dataChars > charsMax)
      throw new RangeError(`more than ${charsMax} characters in one event`);
    return blocks;
  };
}
