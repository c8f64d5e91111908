/** A process that takes a run lock, says whether it has it, and keeps it until it is ended. */
import { takeRunLock } from '../../src/backends/sqlite/run-lock.ts';

const [path = ''] = process.argv.slice(2);
const lock = await takeRunLock(path);
console.log(lock ? 'taken' : 'refused');
// The lock lasts as long as somebody holds it.
setInterval(() => lock, 1000);
