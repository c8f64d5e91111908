/** What a dialect is: how a family of routes wraps success and failure. */
import type { ChsError } from '../../src/platform/errors.ts';
import type { Language } from '../../src/platform/messages.ts';

export interface WireReply {
  readonly status: number;
  readonly body: unknown;
}

export interface Dialect {
  /** The paths under which an operation is reachable. */
  paths(path: string): readonly string[];
  success(output: unknown): WireReply;
  failure(error: ChsError, language: Language): WireReply;
}
