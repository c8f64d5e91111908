/** Frees the pieces of a long stream before V8 would: it lets some sixty megabytes of them gather. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * What went by since the last time. With what led to it, and is short-lived as well, four megabytes are so much that V8
 * looks through all that is old, too, several times a second, and answers nobody for some milliseconds.
 */
const EVERY_BYTES = 1024 * 1024;

/** For whoever reads into the same buffers again and again: of a piece only its promises are left over. */
export const SAME_BUFFERS_EVERY_BYTES = 64 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => unknown;

let collect: Collect | null = null;

/**
 * Makes a function that is told of each piece. Pieces are short-lived, so a collection of young objects finds them, and
 * takes about a millisecond.
 */
export function createCollector(everyBytes = EVERY_BYTES): (bytes: number) => void {
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < everyBytes) return;
    passed = 0;
    collect ??= findCollect();
    collect({ type: 'minor' });
  };
}

/** There in a context that is made after the flag was set; nothing else of this process sees it. */
function findCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as Collect) : () => {};
}
