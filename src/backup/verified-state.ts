/** Brings what is remembered of the last verified backup up to what the places say. */
import { ChsError } from '../platform/errors.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import type { BackupContext } from './settings.ts';
import { trySigner } from './signing.ts';
import { readState, writeState } from './state.ts';
import { lastVerified } from './summaries.ts';

/** A place that cannot be looked into, or a key that cannot be used, leaves things as they are. */
export async function refreshVerified(
  context: BackupContext,
  statePath: string,
  signal: AbortSignal,
): Promise<void> {
  const catalogues = await readCatalogues(context, signal);
  if (!catalogues) return;
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

/** Null where one cannot be had. */
async function readCatalogues(context: BackupContext, signal: AbortSignal): Promise<Catalogue[] | null> {
  const { signer, problem } = await trySigner(context.dataFolder);
  if (problem !== null) return null;
  const ownKey = signer?.publicKey ?? null;
  try {
    const targets = await Promise.all([context.openTarget(), context.openCopy()]);
    return await Promise.all(
      targets.flatMap((target) => (target ? [readCatalogue(target, ownKey, signal)] : [])),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ChsError && error.code === 'BACKUP_TARGET') return null;
    throw error;
  }
}
