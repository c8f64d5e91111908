/** Weekdays and times of day in Chinese: `星期三`, `10时52分21秒`. */
import { codeAt, digitRun, isDigit, type Reading, readFraction, readNumber, skipBlanks } from './reading.ts';

const HOURS = '时時点點';
const MINUTES = '分';
const SECONDS = '秒';

/** Windows in Chinese writes the weekday between date and time: 星期三, 周三. */
export function skipChineseWeekday(r: Reading): void {
  const code = codeAt(r, r.at);
  if (code < 0x4e00) return;
  const length = r.text.startsWith('星期', r.at) ? 3 : code === 0x5468 || code === 0x9031 ? 2 : 0;
  if (length === 0) return;
  r.at += length;
  r.wide = true;
  skipBlanks(r, 2);
}

/** One character of `units`, with a blank before it or not. */
export function readUnit(r: Reading, units: string): boolean {
  const at = codeAt(r, r.at) === 32 ? r.at + 1 : r.at;
  const code = codeAt(r, at);
  if (code < 0x4e00 || !units.includes(String.fromCharCode(code))) return false;
  r.at = at + 1;
  return true;
}

/** `10时52分21秒`, `10时52分`, `10时52分21秒123毫秒`, `10时52分21.5秒`. */
export function readUnitTime(r: Reading): boolean {
  r.wide = true;
  r.hour = readNumber(r, 1, 2);
  if (r.hour < 0 || !readUnit(r, HOURS)) return false;
  skipBlanks(r, 1);
  r.minute = readNumber(r, 1, 2);
  if (r.minute < 0 || !readUnit(r, MINUTES)) return false;
  const back = r.at;
  skipBlanks(r, 1);
  const second = readNumber(r, 1, 2);
  r.hasSeconds = second >= 0;
  if (second < 0) {
    r.at = back;
    return true;
  }
  r.second = second;
  if (codeAt(r, r.at) === 46 && isDigit(codeAt(r, r.at + 1))) {
    r.at++;
    r.ns = readFraction(r);
  }
  readUnit(r, SECONDS);
  const digits = digitRun(r, r.at, 4);
  if (digits > 0 && digits < 4 && r.text.startsWith('毫秒', r.at + digits)) {
    r.ns = readNumber(r, 1, 3) * 1e6;
    r.at += 2;
  }
  return true;
}
