/** The crash dialect: `{success, data}` and `{success, error}`, below /api and, as its own sample clients call it, without. */
import type { Dialect } from './dialect.ts';

export const crashDialect = {
  paths: (path) => [`/api${path}`, path],
  success: (output) => ({ status: 200, body: { success: true, data: output } }),
  failure(error, language) {
    const { message, hint } = error.describe(language);
    return {
      status: error.status,
      body: { success: false, error: message, code: error.code, ...(hint === null ? {} : { hint }) },
    };
  },
} satisfies Dialect;
