// Reads the test runner's closing summary out of a log and prints `PASSED FAILED`; what failed is named on stderr.
import { readFileSync } from 'node:fs';

const log = readFileSync(process.argv[2], 'utf8');
const summaries = [...log.matchAll(/^\s*#\s*\{([^}]*)\}/gm)];
const last = summaries.at(-1)?.[1] ?? '';
const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(last)?.[1] ?? 0);
// No summary means that the tests never ran to their end, which is a failure.
console.log(summaries.length > 0 ? `${count('pass')} ${count('fail')}` : '0 1');

const FAILURES_SHOWN = 100;
const failures = [...log.matchAll(/^\s*not ok .*$/gm)].map(([line]) => line);
for (const line of failures.slice(0, FAILURES_SHOWN)) console.error(line);
if (failures.length > FAILURES_SHOWN) console.error(`and ${failures.length - FAILURES_SHOWN} more`);
