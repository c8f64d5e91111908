/** The difference between atomic time and UTC. */

/**
 * From these seconds of UTC since 1970 on, TAI - UTC is 10, 11, 12 ... seconds.
 * Source: IERS, Leap_Second.dat (the last one is of 2017-01-01).
 */
const LEAPS: readonly number[] = [
  63072000, 78796800, 94694400, 126230400, 157766400, 189302400, 220924800, 252460800, 283996800, 315532800,
  362793600, 394329600, 425865600, 489024000, 567993600, 631152000, 662688000, 709948800, 741484800,
  773020800, 820454400, 867715200, 915148800, 1136073600, 1230768000, 1341100800, 1435708800, 1483228800,
];
const FIRST_DIFFERENCE_S = 10;

/** Seconds of UTC since 1970 for seconds of TAI since 1970. */
export function utcOfTai(taiS: number): number {
  for (let index = LEAPS.length - 1; index > 0; index--) {
    const difference = FIRST_DIFFERENCE_S + index;
    if (taiS - difference >= (LEAPS[index] ?? 0)) return taiS - difference;
  }
  return taiS - FIRST_DIFFERENCE_S;
}
