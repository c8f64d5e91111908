/** `removed.json`: what pruning removed, signed, so that the chain of manifests has no holes that nobody explains. */

import type { Signature } from './manifest.ts';
import { REMOVED_MAX, readRecord, removedSchema } from './record-schemas.ts';
import { recordSignature, recordText, type SignatureState, signRecord } from './signed-record.ts';
import type { Signer } from './signing.ts';

export const REMOVED_NOTE = 'removed.json';

export interface RemovedBackup {
  readonly id: string;
  readonly sequence: number;
  readonly manifest_sha256: string;
  /** `2025-12-24T12:00:00Z` */
  readonly removed_at: string;
}

interface RemovedNote {
  readonly version: 1;
  readonly removed: readonly RemovedBackup[];
  readonly signature: Signature;
}

/** @throws Error where there are more than the note may hold */
export function encodeRemoved(removed: readonly RemovedBackup[], signer: Signer): Uint8Array {
  const bytes = Buffer.from(
    recordText({ ...signRecord({ version: 1, removed }, signer) }, ['version', 'removed', 'signature']),
  );
  readRecord<RemovedNote>(bytes, removedSchema);
  return bytes;
}

/** @throws Error with a reason for what is no such note */
export function decodeRemoved(
  bytes: Uint8Array,
  ownKey: string | null,
): { removed: readonly RemovedBackup[]; signature: SignatureState } {
  const note = readRecord<RemovedNote>(bytes, removedSchema);
  return { removed: note.removed, signature: recordSignature(note, ownKey) };
}

/**
 * What the note says after some more were removed: each once. When there are too many, those stay that a remaining
 * manifest names as the one before it (`needed`, IDs), and of the others the newest.
 */
export function mergeRemoved(
  before: readonly RemovedBackup[],
  added: readonly RemovedBackup[],
  needed: ReadonlySet<string>,
): RemovedBackup[] {
  const byId = new Map([...before, ...added].map((one) => [one.id, one]));
  const ranked = [...byId.values()].sort(
    (a, b) => Number(needed.has(b.id)) - Number(needed.has(a.id)) || b.sequence - a.sequence,
  );
  return ranked.slice(0, REMOVED_MAX).sort((a, b) => a.sequence - b.sequence);
}
