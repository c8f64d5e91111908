/** Where tokens are kept: never themselves, only what is needed to know them again. */
import type { Scope } from '../platform/access.ts';

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 of the whole token, in hex. */
  readonly hash: string;
  readonly createdMs: number;
  readonly expiresMs: number | null;
  readonly lastUsedMs: number | null;
  readonly revokedMs: number | null;
}

export interface TokenStore {
  add(row: TokenRow): Promise<void>;
  find(id: string): Promise<TokenRow | null>;
  /** Newest first. */
  list(): Promise<readonly TokenRow[]>;
  /** False when there is no such token; revoking twice keeps the first time. */
  revoke(id: string, atMs: number): Promise<boolean>;
  touch(id: string, atMs: number): Promise<void>;
}
