/** Which older encoding a text is in that is no UTF-8: by the characters that it would hold. */
import { createRequire } from 'node:module';
import type * as Chardet from 'chardet';
import { KOREAN, SIMPLIFIED, TRADITIONAL } from './common-characters.ts';
import { decodeWhole } from './double-byte.ts';

const require = createRequire(import.meta.url);

/** Lines of ASCII tell nothing; so many bytes of the others are looked at. */
const LOOKED_AT = 16 * 1024;
/** Statistics are slow: 64 KiB would hold everybody up for a tenth of a second. */
const STATISTICS_OF = 8 * 1024;
/** So many of the characters must be common ones of the language. Chance gives about one of eight. */
const COMMON_MIN = 0.3;
const INVALID_MAX = 0.03;
/** What chardet must be ahead of Western European by, to be believed of a few bytes. */
const AHEAD_MIN = 10;

const simplified = new Set(SIMPLIFIED);
const traditional = new Set(TRADITIONAL);
const korean = new Set(KOREAN);
const isKana = (character: string) => character >= '\u3041' && character <= '\u30ff';

/** In order: of two that fit as well, the first is taken. */
const CANDIDATES: readonly (readonly [encoding: string, isCommon: (character: string) => boolean])[] = [
  ['gb18030', (character) => simplified.has(character)],
  ['shift_jis', isKana],
  ['euc-jp', isKana],
  ['euc-kr', (character) => korean.has(character)],
  ['big5', (character) => traditional.has(character)],
];

/** What chardet calls those of its encodings that are read here. */
const CHARDET: Readonly<Record<string, string>> = {
  GB18030: 'gb18030',
  Big5: 'big5',
  Shift_JIS: 'shift_jis',
  'EUC-JP': 'euc-jp',
  'EUC-KR': 'euc-kr',
  'KOI8-R': 'koi8-r',
  'ISO-8859-1': 'windows-1252',
  // As the WHATWG has it: the same with more characters.
  'ISO-8859-9': 'windows-1254',
};

/**
 * Guesses the encoding of bytes that are no valid UTF-8.
 *
 * @returns isGuess where other encodings would do as well
 */
export function guessLegacy(sample: Buffer): { encoding: string; isGuess: boolean } {
  const lines = telling(sample);
  let best = { encoding: '', score: 0 };
  for (const [encoding, isCommon] of CANDIDATES) {
    const score = scoreOf(lines, encoding, isCommon);
    if (score > best.score + 0.01) best = { encoding, score };
  }
  if (best.score >= COMMON_MIN) return { encoding: best.encoding, isGuess: false };
  return { encoding: byStatistics(lines.subarray(0, STATISTICS_OF)), isGuess: true };
}

/** The lines with bytes above 0x7F. */
function telling(sample: Buffer): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let start = 0; start < sample.length && length < LOOKED_AT; ) {
    const newline = sample.indexOf(0x0a, start);
    const end = newline === -1 ? sample.length : newline + 1;
    const line = sample.subarray(start, Math.min(end, start + LOOKED_AT - length));
    if (line.some((byte) => byte >= 0x80)) {
      parts.push(line);
      length += line.length;
    }
    start = end;
  }
  return Buffer.concat(parts);
}

/** The share of common characters among those that are no ASCII; 0 where the bytes are not of this encoding. */
function scoreOf(bytes: Buffer, encoding: string, isCommon: (character: string) => boolean): number {
  const text = decodeWhole(new TextDecoder(encoding), bytes);
  let others = 0;
  let common = 0;
  let invalid = 0;
  for (const character of text) {
    if (character < '\x80') continue;
    // Marks that stand between the characters of all these languages tell nothing.
    if (character >= '\u3000' && character <= '\u3020') continue;
    if (character >= '\uff01' && character <= '\uff5e') continue;
    others += 1;
    if (isCommon(character)) common += 1;
    else if (character === '\ufffd' || (character >= '\ue000' && character <= '\uf8ff')) invalid += 1;
  }
  if (others === 0 || invalid > others * INVALID_MAX) return 0;
  return common / others;
}

function byStatistics(lines: Buffer): string {
  const { analyse }: typeof Chardet = require('chardet');
  const matches = analyse(lines).flatMap(({ name, confidence }) => {
    const encoding = CHARDET[name] ?? (/^(windows-|ISO-8859-)\d+$/.test(name) ? name.toLowerCase() : null);
    return encoding && isPlausible(lines, encoding) ? [{ encoding, confidence }] : [];
  });
  const [first] = matches;
  const western = matches.find((match) => match.encoding === 'windows-1252');
  if (!first || (western && first.confidence < western.confidence + AHEAD_MIN)) return 'windows-1252';
  return first.encoding;
}

function isPlausible(lines: Buffer, encoding: string): boolean {
  if (encoding.startsWith('iso-') || encoding.startsWith('windows-') || encoding.startsWith('koi8'))
    return true;
  const text = decodeWhole(new TextDecoder(encoding), lines);
  const invalid = text.match(/[\ufffd\ue000-\uf8ff]/g)?.length ?? 0;
  const others = text.match(/[^\0-\x7f]/g)?.length ?? 0;
  return invalid <= others * INVALID_MAX;
}
