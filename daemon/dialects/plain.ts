/** The plain dialect: the object itself, for routes that belong to no family. */
import type { Dialect } from './dialect.ts';

export const plainDialect: Dialect = {
  paths: (path) => [path],
  success: (output) => ({ status: isNotReady(output) ? 503 : 200, body: output }),
  failure(error, language) {
    const { message, hint } = error.describe(language);
    return {
      status: error.status,
      body: { error: message, code: error.code, ...(hint === null ? {} : { hint }) },
    };
  },
};

/** Probes look at the status alone. */
function isNotReady(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'status' in output && output.status === 'not_ready';
}
