/** Masks what varies in a log line (numbers, ids, addresses, paths, quoted values), in one pass over its characters. */

/** Stands for a masked part inside a key. A line's own control characters become spaces, so no text contains it. */
export const WILD = 0;
/** Stands for a word that was found to vary when keys were compared (generalise.ts). */
export const WILD_WORD = 1;
/** Characters of a line that are looked at; what follows makes no difference to its key. */
const LINE_CHARS_MAX = 4096;
/** A quoted value longer than this is taken for an apostrophe and text. */
const QUOTED_CHARS_MAX = 512;

const SPACE = 1;
const WORD = 2;
const QUOTE = 3;
const SLASH = 4;
const SIGN = 5;
const EQUALS = 6;

const kinds = new Uint8Array(128);
for (let code = 0; code <= 32; code += 1) kinds[code] = SPACE;
for (const code of codesOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'))
  kinds[code] = WORD;
for (const code of codesOf('"\'`')) kinds[code] = QUOTE;
for (const code of codesOf('/')) kinds[code] = SLASH;
for (const code of codesOf('+-')) kinds[code] = SIGN;
for (const code of codesOf('=')) kinds[code] = EQUALS;

/** What ends a path, the value of a key, a URL. */
const pathEnds = setOf('\t "\'`()[]{}<>,;|:=');
const valueEnds = setOf('\t "\'`()[]{}<>,;|&');
const urlEnds = setOf('\t "\'`<>()[]{}|,;');
/** What may stand between the parts of one varying thing: 10.0.0.1:80, 2024-01-02 03:04, lists of numbers. */
const joiners = setOf(' ,.:-/+_;');
const JOINERS_MAX = 3;

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
 * The key of one line at a time: `codes[0..length)`, and `hash` of it. It is a function of the line alone, so
 * lines may be counted in any order and in any number of parts. One object is reused, as a line is masked in
 * about a microsecond and allocating would double that.
 */
export class LineMask {
  readonly codes = new Uint16Array(LINE_CHARS_MAX * 2);
  length = 0;
  hash = 0;
  #text = '';
  #at = 0;
  #end = 0;

  /** Masks `text` from the character `start` on. */
  mask(text: string, start: number): void {
    this.#text = text;
    this.#at = start;
    this.#end = Math.min(text.length, start + LINE_CHARS_MAX);
    this.length = 0;
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
    while (this.length > 0 && this.codes[this.length - 1] === 32) this.length -= 1;
    this.hash = hashOf(this.codes, this.length);
  }

  /** The key as a string, for a line that was not seen before. */
  key(): string {
    return String.fromCharCode(...this.codes.subarray(0, this.length));
  }

  /** Takes over a finished key, for its hash. */
  take(key: string): void {
    this.length = Math.min(key.length, this.codes.length);
    for (let at = 0; at < this.length; at += 1) this.codes[at] = key.charCodeAt(at);
    this.hash = hashOf(this.codes, this.length);
  }

  /** Whether `key` is the key of the present line. */
  is(key: string): boolean {
    if (key.length !== this.length) return false;
    for (let at = 0; at < key.length; at += 1) if (key.charCodeAt(at) !== this.codes[at]) return false;
    return true;
  }

  #put(code: number): void {
    this.codes[this.length] = code;
    this.length += 1;
    this.#at += 1;
  }

  #putText(from: number, to: number): void {
    for (let at = from; at < to; at += 1) {
      this.codes[this.length] = Math.max(32, this.#text.charCodeAt(at));
      this.length += 1;
    }
  }

  /** Adds a masked part that reaches to `next`; one that only a joiner parts from another is the same part. */
  #putWild(next: number): void {
    let before = this.length - 1;
    const least = Math.max(0, before - JOINERS_MAX);
    while (before >= least && joiners[this.codes[before] ?? 0] === 1) before -= 1;
    if (before >= 0 && this.codes[before] === WILD) this.length = before + 1;
    else {
      this.codes[this.length] = WILD;
      this.length += 1;
    }
    this.#at = next;
  }

  #space(): void {
    if (this.length === 0 || this.codes[this.length - 1] === 32) this.#at += 1;
    else this.#put(32);
  }

  /** A minus or plus that belongs to a number: before a digit and after no word, but for `blk_-12`. */
  #startsNumber(): boolean {
    const before = this.#code(this.#at - 1);
    return isDigit(this.#code(this.#at + 1)) && (before === 95 || !isWordCode(before));
  }

  /** `from 10.0.0.1 ()` where other lines have a name: an empty pair that is no call. */
  #isEmptyPair(): boolean {
    return this.codes[this.length - 1] === 40 && this.codes[this.length - 2] === 32;
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
    return this.codes[this.length - 1] === joiner && this.codes[this.length - 2] === WILD;
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
    while (this.length > 0 && isAddressCode(this.codes[this.length - 1] ?? 32)) this.length -= 1;
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
    if (this.codes[this.length - 2] !== 61) return false;
    return tellingKeys.has(this.#keyBefore(this.length - 2));
  }

  /** The word that ends at `end` of the codes. */
  #keyBefore(end: number): string {
    let from = end;
    while (from > 0 && end - from < 16 && isWordCode(this.codes[from - 1] ?? 32)) from -= 1;
    return String.fromCharCode(...this.codes.subarray(from, end));
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
    if (isPlainWord(value) || tellingKeys.has(this.#keyBefore(this.length - 1))) return;
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

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isWordCode(code: number): boolean {
  return code < 128 && kinds[code] === WORD;
}

/** Letters alone: a word of the text, or a name that generalise() will see in many forms. */
function isPlainWord(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 128 && (kinds[code] !== WORD || isDigit(code))) return false;
  }
  return true;
}

function isAddressCode(code: number): boolean {
  return isWordCode(code) || code === 46 || code === 45 || code === 43;
}

function codesOf(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function setOf(text: string): Uint8Array {
  const set = new Uint8Array(128);
  for (const code of codesOf(text)) set[code] = 1;
  return set;
}
