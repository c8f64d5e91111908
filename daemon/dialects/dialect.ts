/** What a dialect is: how a family of routes wraps success and failure. */
import type { ChsError } from '../../src/platform/errors.ts';
import type { Language } from '../../src/platform/messages.ts';

/** JSON, or plain text. */
export type WireReply = { readonly status: number } & (
  | { readonly body: unknown }
  | { readonly text: string }
);

export interface Dialect {
  /** The paths under which an operation is reachable. */
  paths(path: string): readonly string[];
  /** The token in the path of a request; null where there is none. Left out where paths carry no tokens. */
  tokenIn?(path: string): string | null;
  success(output: unknown): WireReply;
  failure(error: ChsError, language: Language): WireReply;
}
