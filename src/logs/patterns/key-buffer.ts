/** A key under construction: characters, and marks for what varies. */
import { joiners } from './characters.ts';

/** Stands for a masked part inside a key. A line's own control characters become spaces, so no text contains it. */
export const WILD = 0;
/** Stands for a word that was found to vary when keys were compared (generalise.ts). */
export const WILD_WORD = 1;
const JOINERS_MAX = 3;

/** Holds `codes[0..length)`; `hash` is of them once the key is sealed or taken over. */
export class KeyBuffer {
  readonly codes: Uint16Array;
  length = 0;
  hash = 0;

  constructor(codesMax: number) {
    this.codes = new Uint16Array(codesMax);
  }

  /** Ends the key: without spaces behind it, and hashed. */
  seal(): void {
    while (this.length > 0 && this.codes[this.length - 1] === 32) this.length -= 1;
    this.hash = hashOf(this.codes, this.length);
  }

  /** Adds a masked part; one that only joiners part from another is the same part. */
  putWild(): void {
    let before = this.length - 1;
    const least = Math.max(0, before - JOINERS_MAX);
    while (before >= least && joiners[this.codes[before] ?? 0] === 1) before -= 1;
    if (before >= 0 && this.codes[before] === WILD) {
      this.length = before + 1;
      return;
    }
    this.codes[this.length] = WILD;
    this.length += 1;
  }

  /** The key as a string, which costs too much for each line. */
  text(): string {
    return String.fromCharCode(...this.codes.subarray(0, this.length));
  }

  /** Takes over a finished key, for its hash. */
  take(key: string): void {
    this.length = Math.min(key.length, this.codes.length);
    for (let at = 0; at < this.length; at += 1) this.codes[at] = key.charCodeAt(at);
    this.hash = hashOf(this.codes, this.length);
  }

  /** Whether this is `key`. */
  is(key: string): boolean {
    if (key.length !== this.length) return false;
    for (let at = 0; at < key.length; at += 1) if (key.charCodeAt(at) !== this.codes[at]) return false;
    return true;
  }
}

/** A number of 53 bits made of the first `length` codes. */
function hashOf(codes: Uint16Array, length: number): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let at = 0; at < length; at += 1) {
    const code = codes[at] ?? 0;
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + at), 0x85ebca6b);
  }
  return ((high ^ (high >>> 15)) >>> 11) * 0x1_0000_0000 + (low >>> 0);
}
