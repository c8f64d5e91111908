/** Whether addresses may be listened on, and with which keys. */
import { dirname } from 'node:path';
import { parseBind } from '../config/bind.ts';
import type { Config } from '../config/schema.ts';
import type { FixedKey } from '../src/platform/access.ts';
import { ensureGeneratedKey } from '../src/platform/generated-key.ts';
import { configuredKeys, isSampleToken, sampleKeys, unsafeListen } from '../src/platform/listen-safety.ts';

export interface ListenKeys {
  /** Keys besides those of the configuration. */
  readonly keys: readonly FixedKey[];
  /** Set when a key was made just now: it is shown this once. */
  readonly generated: { readonly key: string; readonly path: string } | null;
  /** Where the key of one's own making is kept; null when keys are configured. */
  readonly keyFile: string | null;
  readonly warnings: readonly string[];
}

/**
 * Chooses the keys of a server; without a configured one it makes its own, for loopback only.
 *
 * @throws ChsError UNSAFE_LISTEN for an address that others can reach, without a key of one's own;
 *   KEY_UNUSABLE, KEY_UNWRITABLE
 */
export function keysFor(config: Config): ListenKeys {
  const refusal = unsafeListen(config);
  if (refusal) throw refusal;
  const configured = configuredKeys(config);
  const warnings = sampleKeys(configured).map(
    ({ name }) => `${name} is the key from the documentation; set one of your own`,
  );
  if (isSampleToken(config.backup.token))
    warnings.push('backup.token is the token from the documentation; set one of your own');
  if (configured.length > 0) return { keys: [], generated: null, keyFile: null, warnings };
  const { key, path, created, exposed } = ensureGeneratedKey(dirname(config.database.path));
  return {
    keys: [{ name: 'generated', key }],
    generated: created ? { key, path } : null,
    keyFile: path,
    warnings: [
      ...warnings,
      ...(exposed ? [`other users of this machine can read the API key in ${path}; make it 0600`] : []),
    ],
  };
}

/** Where backups alone are given out; null where nothing is set. */
export function backupListen({ backup }: Config): { readonly host: string; readonly port: number } | null {
  return backup.listen === undefined ? null : parseBind(backup.listen);
}
