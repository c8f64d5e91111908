/** Scopes: what a key may do. */

/** Ordered: each scope includes the ones before it. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What a route asks for. */
export type Access = 'public' | Scope;

/** Who is calling, once a key has been checked. */
export interface Principal {
  readonly kind: 'anonymous' | 'owner' | 'key' | 'token';
  /** What may be logged about the key: a token's id and name, never the key. */
  readonly name: string;
  readonly scope: Scope | null;
}

/** A key that stands in the configuration or was made at first start; it may do everything. */
export interface FixedKey {
  readonly name: string;
  readonly key: string;
}

export const anonymous: Principal = { kind: 'anonymous', name: 'anonymous', scope: null };

/** Whether `scope` covers `needed`. */
export function permits(scope: Scope | null, needed: Access): boolean {
  if (needed === 'public') return true;
  return scope !== null && scopes.indexOf(scope) >= scopes.indexOf(needed);
}
