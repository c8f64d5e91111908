/** Chinese dates: `2023年1月6日 10时52分21秒`, `十二月 09, 2019 9:05:21 下午`, `2022年 11月 30日 星期三 10:23:03 CST`. */

import { readUnit, readUnitTime, skipChineseWeekday } from './chinese-clock.ts';
import { isPossible } from './civil.ts';
import { applyDayHalf, readDayHalf, readTime } from './clock.ts';
import { readChineseMonth } from './month-names.ts';
import {
  ABSENT,
  begin,
  codeAt,
  digitRun,
  isDigit,
  LOCAL,
  type Reading,
  readNumber,
  skipBlanks,
} from './reading.ts';
import { readZone } from './zone-names.ts';

const COMMA = 44;
const YEAR = '年';
const MONTH = '月';
const DAYS = '日号號';
const REPUBLIC_YEAR_ZERO = 1911;
/** Beside Chinese words CST is the time of China. */
const CHINA_OFFSET_S = 8 * 3600;

/** With a year. */
export function scanChinese(r: Reading, at: number): boolean {
  return scan(r, at) && r.year !== ABSENT && isPossible(r);
}

/** Without a year: `1月6日 10:23:03`. */
export function scanChineseMonthDay(r: Reading, at: number): boolean {
  return scan(r, at) && r.year === ABSENT && isPossible(r);
}

function scan(r: Reading, at: number): boolean {
  begin(r, at);
  r.wide = true;
  const digits = digitRun(r, at, 5);
  if (digits === 4 || (digits >= 2 && isRepublicYear(r, at))) {
    r.year = readNumber(r, 2, 4) + (digits === 4 ? 0 : REPUBLIC_YEAR_ZERO);
    if (digits < 4) r.start = at - 2;
    if (!readUnit(r, YEAR)) return false;
  } else if (digits > 2 || codeAt(r, at - 1) === YEAR.charCodeAt(0)) return false;
  if (!readMonth(r)) return false;
  skipBlanks(r, 2);
  r.day = readNumber(r, 1, 2);
  if (r.day < 0) return false;
  readUnit(r, DAYS);
  readYearBehindDay(r);
  skipBlanks(r, 3);
  skipWeekday(r);
  return readChineseTime(r);
}

/** `民国110年`: years of the Republic of China. */
function isRepublicYear(r: Reading, at: number): boolean {
  return r.text.startsWith('民国', at - 2) || r.text.startsWith('民國', at - 2);
}

function readMonth(r: Reading): boolean {
  skipBlanks(r, 2);
  if (isDigit(codeAt(r, r.at))) {
    r.month = readNumber(r, 1, 2);
    return readUnit(r, MONTH);
  }
  r.month = readChineseMonth(r);
  return r.month > 0;
}

/** java.util.logging: `十二月 09, 2019 9:05:21 下午`. */
function readYearBehindDay(r: Reading): void {
  if (codeAt(r, r.at) !== COMMA) return;
  r.at++;
  skipBlanks(r, 2);
  if (r.year === ABSENT && digitRun(r, r.at, 5) === 4) r.year = readNumber(r, 4, 4);
}

/** 星期三, 周三, and both in round brackets, as (三) too. */
function skipWeekday(r: Reading): void {
  const code = codeAt(r, r.at);
  if (code !== 40 && code !== 0xff08) {
    skipChineseWeekday(r);
    return;
  }
  for (let length = 2; length <= 5; length++) {
    const closing = codeAt(r, r.at + length);
    if (closing !== 41 && closing !== 0xff09) continue;
    r.at += length + 1;
    skipBlanks(r, 2);
    return;
  }
}

function readChineseTime(r: Reading): boolean {
  const before = readDayHalf(r);
  skipBlanks(r, 2);
  const back = r.at;
  if (!readUnitTime(r)) {
    r.at = back;
    if (!readTime(r, ':')) return false;
  }
  applyDayHalf(r, before === 'none' ? readDayHalf(r) : before);
  const zoneAt = r.at;
  readZone(r);
  if (r.offsetS !== LOCAL && r.text.slice(zoneAt, r.at).trim().toUpperCase() === 'CST')
    r.offsetS = CHINA_OFFSET_S;
  return true;
}
