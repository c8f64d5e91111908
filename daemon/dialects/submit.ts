/**
 * The dialect of crash submission: lines of text, as the clients of Breakpad, Crashpad and Mozilla read them.
 * They throw a crash away when the reply says `Discarded=`, so that is said only of what no later attempt changes.
 */
import type { ChsError } from '../../src/platform/errors.ts';
import type { Dialect } from './dialect.ts';

/** Failures of the client's side that pass all the same: timeouts, and calls that come too often. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 499]);

export const submitDialect: Dialect = {
  paths: (path) => [`/api${path}`, path],
  success: (output) => ({ status: 200, text: `CrashID=${(output as { crash_id: string }).crash_id}\n` }),
  failure(error, language) {
    const { message } = error.describe(language);
    const discarded = isFinal(error) ? `Discarded=${error.code.toLowerCase()}\n` : '';
    return { status: error.status, text: `${discarded}Error=${message}\n` };
  },
};

function isFinal({ status, retryable }: ChsError): boolean {
  return status < 500 && !retryable && !PASSING.has(status);
}
