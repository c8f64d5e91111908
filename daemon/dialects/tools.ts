/** The tools dialect: the plain object, and `{error, code, retryable, retry_after_ms?}`, below /tools and /v1/tools. */
import type { ChsError, ErrorCode } from '../../src/platform/errors.ts';
import type { Dialect } from './dialect.ts';

/** Failures that the documents of the log service have under a name and status of their own. */
const DOCUMENTED: Partial<Record<ErrorCode, { readonly code: ErrorCode; readonly status: number }>> = {
  DATABASE_BUSY: { code: 'DATABASE_ERROR', status: 500 },
  CONFIG_INVALID: { code: 'CONFIG_ERROR', status: 500 },
};

export const toolsDialect = {
  paths: (path) => [`/v1/tools${path}`, `/tools${path}`],
  success: (output) => ({ status: 200, body: output }),
  failure(error, language) {
    const { message, hint } = error.describe(language);
    const { code, status } = DOCUMENTED[error.code] ?? error;
    return {
      status,
      body: {
        error: message,
        code,
        retryable: isRetryable(error),
        ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: error.retryAfterMs }),
        ...(hint === null ? {} : { hint }),
      },
    };
  },
} satisfies Dialect;

/** The documents call an internal failure worth another attempt. */
function isRetryable({ code, retryable }: ChsError): boolean {
  return retryable || code === 'INTERNAL';
}

/** Whether a path is the log service's, whatever is there. */
export function isToolsPath(path: string): boolean {
  return /^(\/v1)?\/tools(\/|$)/.test(path);
}
