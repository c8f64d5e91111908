/** The symbols dialect: files, and short texts for debuggers, which look at the status alone and send no headers. */
import { ChsError } from '../../src/platform/errors.ts';
import type { Dialect } from './dialect.ts';

/** Everything at or below these is the symbol server's. */
export const SYMBOL_ROOTS = ['/symbols', '/s', '/api/symbols', '/api/s'] as const;

const TOKEN = /^(?:\/api)?\/s(?:\/([^/]*)|$)/;

export const symbolsDialect: Dialect = {
  paths: (path) => {
    const file = path.replace(/^\/symbols/, '');
    const withToken = [`/s/{token}${file}`, `/s/{token}${path}`];
    return ['', '/api'].flatMap((prefix) => [path, ...withToken].map((one) => `${prefix}${one}`));
  },
  tokenIn(path) {
    const match = TOKEN.exec(path);
    return match && (match[1] ?? '');
  },
  success: (output) => ({ status: 200, text: String(output) }),
  failure(error, language) {
    // The advice for other routes is about headers, which debuggers do not send.
    const shown = error.code === 'UNAUTHORIZED' ? new ChsError('SYMBOLS_NOT_PUBLIC') : error;
    const { message, hint } = shown.describe(language);
    return { status: shown.status, text: hint === null ? `${message}\n` : `${message}: ${hint}\n` };
  },
};

/** Whether a path is the symbol server's, whatever is there. */
export function isSymbolPath(path: string): boolean {
  return SYMBOL_ROOTS.some((root) => path === root || path.startsWith(`${root}/`));
}

/** A path as it may be shown and logged: without the token in it. */
export function withoutToken(path: string): string {
  return path
    .replace(/^(\/+(?:api\/+)?s\/+)[^/]+/i, '$1[token]')
    .replace(/chs_[a-z0-9]{8,32}_[\w-]{20,}/g, '[token]');
}
