/** Recognises the level of a log line by the many ways in which programs write it near the line's head. */

export type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Levels, the gravest first. */
export const levels: readonly Level[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];

/** A level stands before the text; what is further right is the text. */
const HEAD_CHARS_MAX = 192;
/** Fields of JSON and logfmt come in any order. */
const FIELDS_CHARS_MAX = 2048;
/** Words of prose after which a capitalised, then any, level word is taken for a word of the text. */
const PROSE_BEFORE_CAPITALS_MAX = 4;
const PROSE_BEFORE_MARKED_MAX = 2;
const WORD_CHARS_MAX = 11;

const words = new Map<string, Level>();
const spellings: Record<Level, string> = {
  fatal: 'fatal critical crit emerg emergency alert panic dpanic 致命 紧急 致命错误',
  error: 'error err severe failure 严重 错误 エラー 重大',
  warn: 'warn warning wrn 警告',
  info: 'info information inf notice config 信息 通知 配置 情報',
  debug: 'debug dbg dbug fine 调试 详细',
  trace: 'trace trc verbose finer finest vrb 跟踪 追踪 较详细 非常详细',
};
for (const level of levels) for (const word of spellings[level].split(' ')) words.set(word, level);
/** In running text these are no levels, however they are marked. */
const capitalsOnly = new Set([
  'config',
  'fine',
  'failure',
  'alert',
  'information',
  'panic',
  'emergency',
  'inf',
]);
/** How Postgres and others say that a line is a plain record. */
words.set('log', 'info');
capitalsOnly.add('log');

/** Of glog, klog and logcat. */
const letters = new Map<string, Level>([
  ['F', 'fatal'],
  ['A', 'fatal'],
  ['E', 'error'],
  ['W', 'warn'],
  ['I', 'info'],
  ['D', 'debug'],
  ['V', 'trace'],
]);
/** RFC 5424, 6.2.1. */
const severities: readonly Level[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'];

const jsonField =
  /"(?:log\.)?(?:level|severity|lvl|levelname|log_level|loglevel|@l|level_name|PRIORITY)"\s*:\s*(?:"([^"]{1,20})"|(\d{1,3}))/iu;
const logfmtField = /(?:^|[\s,;[(])(?:log)?(?:level|lvl|severity|loglevel|levelname)=["']?([A-Za-z]{1,12})/iu;
const glogHead = /^([IWEF])\d{4}(?:\d{4})? \d/u;
/** `03-17 16:13:38.811  1702  2395 D Tag: text`, and mongod's `2020-01-01T00:00:00.000+0000 I  NETWORK`. */
const letterColumn = /^\d[^\s]*\s(?:[^\s]*\d\s+\d+\s+\d+\s+|[^\s]*:[^\s]*\s+)?([VDIWEFA])\s+\S/u;
/** `E/Tag( 123): text`, also behind a time. */
const letterSlash = /^(?:\d\S*\s+){0,4}(?:\S+\s)?([VDIWEFA])\/\S/u;

/**
 * The level of the line `text`, or null when it says none. Where a line gives several, the one nearest to the
 * head counts; the word "error" inside of its text does not.
 */
export function levelOf(text: string): Level | null {
  const first = text.charCodeAt(0);
  if (first === 123) return levelOfJson(text) ?? levelOfHead(text);
  if (first === 60) {
    const level = levelOfPriority(text);
    if (level) return level;
  }
  // I W E F V D A at the very start, before a digit or a slash.
  if (first >= 65 && first <= 87 && text.charCodeAt(1) < 58) {
    const letter = (glogHead.exec(text) ?? letterSlash.exec(text))?.[1];
    if (letter) return letters.get(letter) ?? null;
  }
  if (first >= 48 && first <= 57) {
    const letter = (letterColumn.exec(text) ?? letterSlash.exec(text))?.[1];
    if (letter) return letters.get(letter) ?? null;
  }
  return levelOfHead(text);
}

/** `<13>`: facility times eight, and the severity. */
function levelOfPriority(text: string): Level | null {
  let number = 0;
  let at = 1;
  for (; at < 5; at += 1) {
    const code = text.charCodeAt(at);
    if (!(code >= 48 && code <= 57)) break;
    number = number * 10 + code - 48;
  }
  if (at === 1 || at === 5 || text.charCodeAt(at) !== 62 || number > 191) return null;
  return severities[number & 7] ?? null;
}

function levelOfJson(text: string): Level | null {
  const match = jsonField.exec(text.length > FIELDS_CHARS_MAX ? text.slice(0, FIELDS_CHARS_MAX) : text);
  if (!match) return null;
  const [, word, digits = ''] = match;
  if (word !== undefined) {
    const level = words.get(word.toLowerCase()) ?? letters.get(word);
    return level ?? (/^\d$/u.test(word) ? (severities[Number(word)] ?? null) : null);
  }
  return levelOfNumber(Number(digits));
}

/** Below eight a severity of syslog, as GELF and journald write it; from ten on as bunyan and pino count. */
function levelOfNumber(number: number): Level | null {
  if (number < 8) return severities[number] ?? null;
  if (number < 10) return null;
  if (number < 20) return 'trace';
  if (number < 30) return 'debug';
  if (number < 40) return 'info';
  if (number < 50) return 'warn';
  return number < 60 ? 'error' : 'fatal';
}

function levelOfHead(text: string): Level | null {
  const end = Math.min(text.length, HEAD_CHARS_MAX);
  let prose = 0;
  let at = 0;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (!isLetter(code)) {
      // The first = may belong to level=warn, wherever that stands.
      if (code === 61) return levelOfFields(text);
      at += 1;
      continue;
    }
    const from = at;
    while (at < end && isLetter(text.charCodeAt(at))) at += 1;
    const level = at - from <= WORD_CHARS_MAX ? levelOfWord(text, from, at, prose) : null;
    if (level) return level;
    if (code >= 97 && isProse(text, from, at)) prose += 1;
    if (prose > PROSE_BEFORE_CAPITALS_MAX) return null;
  }
  return null;
}

function levelOfFields(text: string): Level | null {
  const match = logfmtField.exec(text.length > FIELDS_CHARS_MAX ? text.slice(0, FIELDS_CHARS_MAX) : text);
  return match?.[1] ? (words.get(match[1].toLowerCase()) ?? letters.get(match[1]) ?? null) : null;
}

function levelOfWord(text: string, from: number, to: number, prose: number): Level | null {
  const before = from === 0 ? 32 : text.charCodeAt(from - 1);
  const after = to >= text.length ? 32 : text.charCodeAt(to);
  const length = to - from;
  const first = text.charCodeAt(from);
  if (length === 1) return before === 91 && after === 93 ? (letters.get(text.slice(from, to)) ?? null) : null;
  if (isInWord(before) || isInWord(after)) return null;
  const word = text.slice(from, to);
  if (first >= 0x2e80) return prose <= PROSE_BEFORE_MARKED_MAX ? (words.get(word) ?? null) : null;
  const capitals = text.charCodeAt(from + 1) < 97;
  const level = words.get(capitals ? word.toLowerCase() : first < 97 ? lowerFirst(word) : word);
  if (!level) return null;
  if (capitals) return first < 97 ? level : null;
  if (prose > PROSE_BEFORE_MARKED_MAX || capitalsOnly.has(word.toLowerCase())) return null;
  return isMarked(before, after) ? level : null;
}

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

/** `[error]`, `(warn)`, `|info|`, `<Error>`, `error:` and, of Apache, `[core:error]`. */
function isMarked(before: number, after: number): boolean {
  if (after === 58 || after === 0xff1a) return true;
  return (after === 93 || after === 41 || after === 124 || after === 62) && before !== 32;
}

/** What makes a word part of a longer name: `error_log`, `info.txt`, `on-error`, `/error`, `x.error`. */
function isInWord(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || code === 95 || code === 46 || code === 45 || code === 47 || code === 64
  );
}

/** Whether a word stands for itself: parts of host names, process names and loggers are not of the text. */
function isProse(text: string, from: number, to: number): boolean {
  const before = from === 0 ? 32 : text.charCodeAt(from - 1);
  return before === 32 && text.charCodeAt(to) === 32;
}

/** Latin, and from kana over Chinese characters to Hangul; the brackets and signs of these scripts are below. */
function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 0x3040 && code < 0xd7a4);
}
