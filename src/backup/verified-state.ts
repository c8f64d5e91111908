/** Brings what is remembered of the last verified backup up to what the places say. */
import { readCatalogue } from './catalogue.ts';
import type { BackupContext } from './settings.ts';
import { readSigner } from './signing.ts';
import { readState, writeState } from './state.ts';
import { lastVerified } from './summaries.ts';

/** A place that cannot be looked into leaves things as they are. */
export async function refreshVerified(
  context: BackupContext,
  statePath: string,
  signal: AbortSignal,
): Promise<void> {
  const signer = await readSigner(context.dataFolder);
  const targets = await Promise.all([context.openTarget(), context.openCopy()]);
  const ownKey = signer?.publicKey ?? null;
  const catalogues = await Promise.all(
    targets.flatMap((target) => (target ? [readCatalogue(target, ownKey, signal)] : [])),
  );
  const newest = lastVerified(catalogues, context.now());
  const known = (await readState(statePath)).last_verified;
  if (newest?.id === known?.id) return;
  await writeState(statePath, (state) => ({
    ...state,
    last_verified: newest && {
      id: newest.id,
      timestamp: newest.timestamp,
      verified_at: newest.verifiedAt,
      databases: newest.databases,
    },
  }));
}
