/** Masks what varies in a log line (numbers, ids, addresses, paths, quoted values), in one pass over its characters. */
import {
  EQUALS,
  isAddressCode,
  isDigit,
  isPlainWord,
  isWordCode,
  kinds,
  pathEnds,
  QUOTE,
  SIGN,
  SLASH,
  SPACE,
  urlEnds,
  valueEnds,
  WORD,
} from './characters.ts';
import { KeyBuffer, WILD } from './key-buffer.ts';

/** Characters of a line that are looked at; what follows makes no difference to its key. */
const LINE_CHARS_MAX = 4096;
/** A quoted value longer than this is taken for an apostrophe and text. */
const QUOTED_CHARS_MAX = 512;

/** Keys whose value says what kind of line it is: it is masked like any other text, not as a whole. */
const tellingKeys = new Set(
  'msg message log event text error err level lvl severity logger caller component module service class type exception reason status state'.split(
    ' ',
  ),
);
/** Values that say that there is none: the same line as one with a value. */
const absentValues = new Set(['null', 'none', 'nil', 'undefined', 'None', 'NULL', 'N/A', '-']);
const closingOf = new Map([
  [40, ')'],
  [91, ']'],
  [123, '}'],
]);
const BRACKETED_CHARS_MAX = 200;
const dateNames = new Set(
  'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun'.split(' '),
);

/**
 * Makes the key of one line at a time, in `key`. It is a function of the line alone, so
 * lines may be counted in any order and in any number of parts. One object is reused, as a line is masked in
 * about a microsecond and allocating would double that.
 */
export class LineMask {
  readonly key = new KeyBuffer(LINE_CHARS_MAX * 2);
  #text = '';
  #at = 0;
  #end = 0;

  /** Masks `text` from the character `start` on. */
  mask(text: string, start: number): void {
    this.#text = text;
    this.#at = start;
    this.#end = Math.min(text.length, start + LINE_CHARS_MAX);
    this.key.length = 0;
    while (this.#at < this.#end) {
      const code = text.charCodeAt(this.#at);
      const kind = code < 128 ? kinds[code] : 0;
      if (kind === WORD) this.#word();
      else if (kind === SPACE) this.#space();
      else if (kind === QUOTE) this.#quote(code);
      else if (kind === SLASH) this.#slash();
      else if (kind === EQUALS) this.#equals();
      else if (code === 41 && this.#isEmptyPair()) this.#putWild(this.#at);
      else if (kind === SIGN && this.#startsNumber()) this.#at += 1;
      else this.#put(code);
    }
    this.key.seal();
  }

  #put(code: number): void {
    this.key.codes[this.key.length] = code;
    this.key.length += 1;
    this.#at += 1;
  }

  #putText(from: number, to: number): void {
    for (let at = from; at < to; at += 1) {
      this.key.codes[this.key.length] = Math.max(32, this.#text.charCodeAt(at));
      this.key.length += 1;
    }
  }

  /** Adds a masked part that reaches to `next`. */
  #putWild(next: number): void {
    this.key.putWild();
    this.#at = next;
  }

  #space(): void {
    if (this.key.length === 0 || this.key.codes[this.key.length - 1] === 32) this.#at += 1;
    else this.#put(32);
  }

  /** A minus or plus that belongs to a number: before a digit and after no word, but for `blk_-12`. */
  #startsNumber(): boolean {
    const before = this.#code(this.#at - 1);
    return isDigit(this.#code(this.#at + 1)) && (before === 95 || !isWordCode(before));
  }

  /** `from 10.0.0.1 ()` where other lines have a name: an empty pair that is no call. */
  #isEmptyPair(): boolean {
    return this.key.codes[this.key.length - 1] === 40 && this.key.codes[this.key.length - 2] === 32;
  }

  #code(at: number): number {
    return at >= 0 && at < this.#end ? this.#text.charCodeAt(at) : 32;
  }

  #word(): void {
    const from = this.#at;
    let at = from;
    let digits = 0;
    let digitRuns = 0;
    let firstDigit = -1;
    let hex = true;
    for (let wasDigit = false; at < this.#end; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (!isWordCode(code)) break;
      const digit = code >= 48 && code <= 57;
      if (digit) {
        digits += 1;
        if (!wasDigit) digitRuns += 1;
        if (firstDigit < 0) firstDigit = at;
      } else if (hex) hex = (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
      wasDigit = digit;
    }
    if (digits === 0) this.#letters(from, at, hex);
    else if (firstDigit === from || (hex && (at - from >= 6 || this.#startsAddress(at)))) this.#putWild(at);
    else this.#mixed(from, at, firstDigit, digits, digitRuns);
  }

  /** Behind a word of hex digits: a colon as in IPv6 and hardware addresses. */
  #startsAddress(at: number): boolean {
    const next = this.#code(at + 1);
    return this.#code(at) === 58 && (next === 58 || isWordCode(next));
  }

  /** A word without digits: a scheme, a drive, the name of a month, the first part of an address, or a word. */
  #letters(from: number, to: number, hex: boolean): void {
    const next = this.#code(to);
    if (next === 58 && this.#drivesOn(from, to)) return;
    if (next === 64 && this.#address(to)) return;
    const lengthOfWord = to - from;
    if (hex && (lengthOfWord >= 8 || (lengthOfWord === 4 && this.#follows(45)))) {
      this.#putWild(to);
      return;
    }
    if (lengthOfWord === 3 && next === 32 && dateNames.has(this.#text.slice(from, to))) {
      const after = this.#code(to + 1) === 32 ? this.#code(to + 2) : this.#code(to + 1);
      if (isDigit(after) || dateNames.has(this.#text.slice(to + 1, to + 4))) {
        this.#putWild(to);
        return;
      }
    }
    this.#putText(from, to);
    this.#at = to;
  }

  /** Whether the last masked part is followed by `joiner` alone: inside of a UUID. */
  #follows(joiner: number): boolean {
    return this.key.codes[this.key.length - 1] === joiner && this.key.codes[this.key.length - 2] === WILD;
  }

  /** `http://...` keeps its scheme; `C:\...` goes whole. */
  #drivesOn(from: number, to: number): boolean {
    const first = this.#code(to + 1);
    if (first === 47 && this.#code(to + 2) === 47) {
      this.#putText(from, to + 3);
      this.#putWild(this.#until(urlEnds, to + 3));
      return true;
    }
    if (first !== 92 || to - from !== 1) return false;
    this.#putWild(this.#until(pathEnds, to + 1));
    return true;
  }

  /** `bob.smith@example.org`: what was taken for words before the @ goes with it. */
  #address(to: number): boolean {
    let at = to + 1;
    let dot = -1;
    for (let code = this.#code(at); isWordCode(code) || code === 46 || code === 45; code = this.#code(at)) {
      if (code === 46) dot = at;
      at += 1;
    }
    if (dot < 0 || isDigit(this.#code(dot + 1)) || at - dot < 3) return false;
    while (this.key.length > 0 && isAddressCode(this.key.codes[this.key.length - 1] ?? 32))
      this.key.length -= 1;
    this.#putWild(at);
    return true;
  }

  /** A word with digits inside: `blk_12` keeps `blk_`, `eth0` keeps `eth`, `jk2_init` is a name, the rest are ids. */
  #mixed(from: number, to: number, firstDigit: number, digits: number, digitRuns: number): void {
    if (this.#code(to) === 64 && this.#address(to)) return;
    const atEnd = firstDigit + digits === to;
    const after = to - firstDigit - digits;
    const name = digitRuns === 1 && digits <= 2 && firstDigit - from >= 2 && after >= digits;
    if (name) {
      this.#putText(from, to);
      this.#at = to;
      return;
    }
    if (atEnd || this.#code(firstDigit - 1) === 95) this.#putText(from, firstDigit);
    this.#putWild(to);
  }

  #quote(quote: number): void {
    const from = this.#at + 1;
    if (isWordCode(this.#code(from - 2))) {
      this.#put(quote);
      return;
    }
    const close = this.#text.indexOf(String.fromCharCode(quote), from);
    if (close < 0 || close >= this.#end || close - from > QUOTED_CHARS_MAX) {
      this.#put(quote);
      return;
    }
    if (quote === 39 && isWordCode(this.#code(close + 1))) {
      this.#put(quote);
      return;
    }
    this.#put(quote);
    if (this.#code(close + 1) === 58) {
      this.#putText(from, close);
      this.#at = close;
      this.#put(quote);
      this.#put(58);
      while (this.#code(this.#at) === 32 && this.#at < this.#end) this.#at += 1;
      if (!tellingKeys.has(this.#text.slice(from, close))) return;
      // The value is text: its opening quote is passed over, so that what is inside is read like a line.
      if (this.#code(this.#at) === quote) this.#put(quote);
      return;
    }
    if (this.#isTelling()) return;
    if (close > from) this.#putWild(close);
    this.#at = close;
    this.#put(quote);
  }

  /** Whether an opening quote that was just put stands behind `msg=`. */
  #isTelling(): boolean {
    if (this.key.codes[this.key.length - 2] !== 61) return false;
    return tellingKeys.has(this.#keyBefore(this.key.length - 2));
  }

  /** The word that ends at `end` of the codes. */
  #keyBefore(end: number): string {
    let from = end;
    while (from > 0 && end - from < 16 && isWordCode(this.key.codes[from - 1] ?? 32)) from -= 1;
    return String.fromCharCode(...this.key.codes.subarray(from, end));
  }

  #slash(): void {
    const before = this.#code(this.#at - 1);
    const after = this.#code(this.#at + 1);
    if (isWordCode(before) || before === 60 || before === 46 || !isWordCode(after)) {
      this.#put(47);
      return;
    }
    this.#putWild(this.#until(pathEnds, this.#at + 1));
  }

  #equals(): void {
    const keyed = isWordCode(this.#code(this.#at - 1));
    this.#put(61);
    const from = this.#at;
    if (!keyed) return;
    const to = this.#until(valueEnds, from);
    if (to === from || this.#code(from) === 61) return;
    const value = this.#text.slice(from, to);
    if (absentValues.has(value)) {
      this.#putWild(to);
      return;
    }
    if (isPlainWord(value) || tellingKeys.has(this.#keyBefore(this.key.length - 1))) return;
    this.#putWild(this.#afterBracket(to));
  }

  /** Behind the bracket of `Rect(1, 2)` or `Source{12}` when it opens at `from`, else `from`. */
  #afterBracket(from: number): number {
    const close = closingOf.get(this.#code(from));
    if (close === undefined) return from;
    const to = this.#text.indexOf(close, from);
    return to < 0 || to >= this.#end || to - from > BRACKETED_CHARS_MAX ? from : to + 1;
  }

  #until(ends: Uint8Array, from: number): number {
    let at = from;
    while (at < this.#end && ends[this.#text.charCodeAt(at)] !== 1) at += 1;
    return at;
  }
}
