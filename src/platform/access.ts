/** Scopes: what a key may do. */

/** From the narrowest to the widest, each with what it covers besides itself. */
const covers = {
  /** To read from the symbol server: for the path of a debugger's URL. */
  symbols: [],
  /** To submit crashes: for the programs that ship. */
  submit: [],
  read: ['symbols'],
  write: ['read', 'symbols', 'submit'],
  admin: ['write', 'read', 'symbols', 'submit'],
} as const satisfies Record<string, readonly string[]>;

export type Scope = keyof typeof covers;
export const scopes = Object.keys(covers) as [Scope, ...Scope[]];

/** What a route asks for. `backup`: the backup token, or to be on the same machine, or else `admin`. */
export type Access = 'public' | 'backup' | Scope;

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
  if (needed === 'public' || scope === needed) return true;
  const covered: readonly string[] = scope === null ? [] : covers[scope];
  return needed === 'backup' ? scope === 'admin' : covered.includes(needed);
}
