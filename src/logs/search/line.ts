/** One line of a block while it is looked at; the same object serves for all of them. */
import type { Codec } from '../source/codec.ts';

export class Line {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  readonly #codec: Codec;
  #text: string | null = null;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** @param end without the line end, and no further than the longest line that is looked at */
  set(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.#text = null;
  }

  /** Decoded when it is first asked for; what is no text in its encoding becomes U+FFFD. */
  get text(): string {
    const text = this.#text ?? this.#codec.decode(this.buffer, this.start, this.end);
    this.#text = text;
    return text;
  }
}
