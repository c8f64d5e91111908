/** The chain of manifests: each names the one before it, so that one that is taken away is missed. */
import type { Manifest } from './manifest.ts';
import type { RemovedBackup } from './removed-note.ts';
import type { SignatureState } from './signed-record.ts';

/** What the chain needs to know of a backup that is there. */
export interface ChainEntry {
  readonly id: string;
  /** Null for one that cannot be read as a manifest. */
  readonly manifest: Manifest | null;
  /** Of the manifest's bytes; null where not even they could be read. */
  readonly manifestSha256: string | null;
  readonly signature: SignatureState;
}

export interface ChainFinding {
  /** gone: it is not there and was not pruned. changed: another one stands in its place. twice: a number is used twice. */
  readonly kind: 'gone' | 'changed' | 'twice';
  /** The backup that is gone, or is not what it was. */
  readonly id: string;
  readonly message: string;
}

/** What is wrong with the chain of the manifests that are signed by the own key; nothing else can be trusted in it. */
export function chainFindings(
  entries: readonly ChainEntry[],
  removed: readonly RemovedBackup[],
): ChainFinding[] {
  const there = new Map(entries.map((entry) => [entry.id, entry]));
  const pruned = new Map(removed.map((one) => [one.id, one]));
  const bySequence = new Map<number, string>();
  const findings: ChainFinding[] = [];
  for (const { id, manifest, signature } of [...entries].reverse()) {
    if (!manifest || signature !== 'own') continue;
    const other = bySequence.get(manifest.sequence);
    if (other === undefined) bySequence.set(manifest.sequence, id);
    else findings.push(twice(other, id, manifest.sequence));
    const { previous } = manifest;
    if (!previous) continue;
    const before = there.get(previous.id);
    const note = pruned.get(previous.id);
    if (!before && !note) {
      const message = `a backup that was there is gone: ${previous.id}`;
      findings.push({ kind: 'gone', id: previous.id, message });
    } else {
      // One whose bytes cannot be read now says nothing either way.
      const sha256 = before ? before.manifestSha256 : note?.manifest_sha256;
      if (sha256 === null || sha256 === previous.sha256) continue;
      const message = `a backup is not the one that was there: ${previous.id}`;
      findings.push({ kind: 'changed', id: previous.id, message });
    }
  }
  return findings;
}

function twice(first: string, second: string, sequence: number): ChainFinding {
  const message = `two backups have the number ${sequence}: ${first} and ${second}; do two machines share a key?`;
  return { kind: 'twice', id: second, message };
}

/** The place in the chain of the backup that is made next. */
export interface NextLink {
  readonly sequence: number;
  readonly previous: { readonly id: string; readonly sha256: string } | null;
}

/** Follows the one of the own key with the highest number, be it there or pruned. */
export function nextLink(entries: readonly ChainEntry[], removed: readonly RemovedBackup[]): NextLink {
  let sequence = 0;
  let previous: NextLink['previous'] = null;
  for (const one of removed) {
    if (one.sequence <= sequence) continue;
    sequence = one.sequence;
    previous = { id: one.id, sha256: one.manifest_sha256 };
  }
  for (const { id, manifest, manifestSha256, signature } of entries) {
    if (!manifest || manifestSha256 === null || signature !== 'own' || manifest.sequence < sequence) continue;
    sequence = manifest.sequence;
    previous = { id, sha256: manifestSha256 };
  }
  return { sequence: sequence + 1, previous };
}
