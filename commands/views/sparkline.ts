/** A row of numbers as a row of bars. */

const BARS = '▁▂▃▄▅▆▇█';

/** One mark a number, `·` for 0; the highest bar is the greatest of them. */
export function sparkline(numbers: readonly number[]): string {
  const most = Math.max(1, ...numbers);
  const bar = (number: number): string => BARS[Math.ceil((number / most) * BARS.length) - 1] ?? '·';
  return numbers.map((number) => (number <= 0 ? '·' : bar(number))).join('');
}
