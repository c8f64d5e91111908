/** Names of months and weekdays, short and long, in English and Chinese. */
import { codeAt, isDigit, isLetter, type Reading, readNumber } from './reading.ts';

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);
const WEEKDAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');
/** The longest first: 十二月 ends with 二月. */
const CHINESE_MONTHS: readonly (readonly [name: string, month: number])[] = [
  ['十二月', 12],
  ['十一月', 11],
  ['十月', 10],
  ['一月', 1],
  ['二月', 2],
  ['三月', 3],
  ['四月', 4],
  ['五月', 5],
  ['六月', 6],
  ['七月', 7],
  ['八月', 8],
  ['九月', 9],
];
const NAME_CHARS_MAX = 9;

/** Three letters, whatever their case, as one number. */
function keyOf(a: number, b: number, c: number): number {
  return ((a | 32) << 16) | ((b | 32) << 8) | (c | 32);
}

function indexed(names: readonly string[]): ReadonlyMap<number, number> {
  return new Map(
    names.map((name, index) => [keyOf(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2)), index]),
  );
}

const MONTH_INDEX = indexed(MONTHS);
const WEEKDAY_INDEX = indexed(WEEKDAYS);

/** Reads a name of at least three letters that begins one of `names`; its index, or -1 and no step. */
function readName(r: Reading, names: readonly string[], index: ReadonlyMap<number, number>): number {
  let length = 0;
  while (length <= NAME_CHARS_MAX && isLetter(codeAt(r, r.at + length))) length++;
  if (length < 3 || length > NAME_CHARS_MAX) return -1;
  const found = index.get(keyOf(codeAt(r, r.at), codeAt(r, r.at + 1), codeAt(r, r.at + 2)));
  if (found === undefined) return -1;
  if (length > 3 && !isName(r.text.slice(r.at, r.at + length).toLowerCase(), names[found] ?? '')) return -1;
  r.at += length;
  return found;
}

/** The whole name, or the abbreviations of four and five letters that are in use (Sept, Tues, Thurs). */
function isName(written: string, name: string): boolean {
  return written === name || (written.length <= 5 && name.startsWith(written));
}

/** Reads the name of a month, 1 to 12; -1 where there is none. `11月` is a name too. */
export function readMonthName(r: Reading): number {
  if (isDigit(codeAt(r, r.at))) return readNumberedMonth(r);
  if (codeAt(r, r.at) >= 0x4e00) return readChineseMonth(r);
  const index = readName(r, MONTHS, MONTH_INDEX);
  return index < 0 ? -1 : index + 1;
}

function readNumberedMonth(r: Reading): number {
  const back = r.at;
  const month = readNumber(r, 1, 2);
  if (codeAt(r, r.at) === 0x6708) {
    r.at++;
    r.wide = true;
    return month;
  }
  r.at = back;
  return -1;
}

/** Reads 一月 to 十二月; -1 where there is none. */
export function readChineseMonth(r: Reading): number {
  for (const [name, month] of CHINESE_MONTHS) {
    if (!r.text.startsWith(name, r.at)) continue;
    r.at += name.length;
    r.wide = true;
    return month;
  }
  return -1;
}

/** Whether the name of a weekday was read. */
export function readWeekdayName(r: Reading): boolean {
  return readName(r, WEEKDAYS, WEEKDAY_INDEX) >= 0;
}
