/** PDBs that are missing, by demand: modules of stored dumps, and what debuggers asked for in vain. */
import type { Handler } from '../operation.ts';
import { isoSeconds } from '../platform/clock.ts';
import type { CatchUp } from './catch-up.ts';
import type { ModuleStore, WantedModule } from './module-store.ts';
import { dashedGuid, symbolStoreKey } from './names.ts';
import type { moduleOperations } from './operations/modules.ts';

export interface WantedContext {
  readonly modules: ModuleStore;
  readonly catchUp: CatchUp;
}

export function wantedHandler({
  modules,
  catchUp,
}: WantedContext): Handler<(typeof moduleOperations)['listWanted']> {
  return async ({ system, limit }) => {
    await catchUp();
    const listed = await modules.wanted({ system, limit });
    const { own, system: systemTotal } = await modules.countWanted();
    return {
      wanted: listed.flatMap((module) => wantedEntry(module) ?? []).slice(0, limit),
      total: own,
      system_total: systemTotal,
      unindexed: await modules.countUnindexed(),
    };
  };
}

function wantedEntry(module: WantedModule) {
  const { guidKey, age } = module;
  if (guidKey === null || age === null) return null;
  return {
    kind: 'pdb' as const,
    file: module.debugFile,
    key: symbolStoreKey(guidKey, age),
    guid: dashedGuid(guidKey),
    age,
    module: module.name,
    version: module.version,
    system: module.isSystem,
    dump_count: module.dumpCount,
    debuggable_count: module.keyCount,
    request_count: 0,
    first_seen: isoSeconds(module.firstMs),
    last_seen: isoSeconds(module.lastMs),
  };
}
