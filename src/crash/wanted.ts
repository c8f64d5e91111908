/** PDBs and images that are missing, by demand: modules of stored dumps, and what debuggers asked for in vain. */
import type { Handler } from '../operation.ts';
import { isoSeconds } from '../platform/clock.ts';
import type { CatchUp } from './catch-up.ts';
import type { MissStore, SymbolMiss } from './miss-store.ts';
import type { Misses } from './misses.ts';
import type { ModuleStore, WantedModule } from './module-store.ts';
import { dashedGuid, portableStoreKey, symbolStoreKey } from './names.ts';
import type { moduleOperations } from './operations/modules.ts';
import { PORTABLE_AGE } from './store.ts';
import { parseSymbolKey } from './symbol-path.ts';

/** As many as are kept by default. */
const MISSES_MAX = 10_000;

export interface WantedContext {
  readonly modules: ModuleStore;
  readonly misses: Misses;
  readonly missStore: MissStore;
  readonly catchUp: CatchUp;
}

type Handled = Handler<(typeof moduleOperations)['listWanted']>;
type Entry = Awaited<ReturnType<Handled>>['wanted'][number];

export function wantedHandler({ modules, misses, missStore, catchUp }: WantedContext): Handled {
  return async ({ system, limit }) => {
    await Promise.all([catchUp(), misses.flush()]);
    const listed = await modules.wanted({ system, limit });
    const { own, system: systemTotal } = await modules.countWanted();
    const missed = byKey(await missStore.list({ limit: MISSES_MAX }));
    const entries = listed.flatMap((module) => moduleEntry(module, missed) ?? []);
    // What is left of the misses is of no module that stands in the list already.
    for (const miss of [...missed.values()].slice(0, limit)) {
      const module = await moduleOf(modules, miss);
      if (system || !module?.isSystem) entries.push(missEntry(miss, module));
    }
    return {
      wanted: joined(entries).toSorted(byDemand).slice(0, limit),
      total: own,
      system_total: systemTotal,
      unindexed: await modules.countUnindexed(),
    };
  };
}

/** One file may be asked for by several names: the one that is asked for most stands for all. */
function byKey(misses: readonly SymbolMiss[]): Map<string, SymbolMiss> {
  const grouped = new Map<string, SymbolMiss>();
  for (const miss of misses) {
    const known = grouped.get(miss.key);
    if (!known) grouped.set(miss.key, miss);
    else
      grouped.set(miss.key, {
        ...known,
        requestCount: known.requestCount + miss.requestCount,
        firstMs: Math.min(known.firstMs, miss.firstMs),
        lastMs: Math.max(known.lastMs, miss.lastMs),
      });
  }
  return grouped;
}

/** One PDB may belong to modules of several names: the one that most dumps have stands for all. */
function joined(entries: readonly Entry[]): Entry[] {
  const byPlace = new Map<string, Entry>();
  for (const entry of entries.toSorted(byDemand)) {
    const known = byPlace.get(entry.key);
    byPlace.set(entry.key, known ? both(known, entry) : entry);
  }
  return [...byPlace.values()];
}

function both(one: Entry, other: Entry): Entry {
  return {
    ...one,
    file: one.file ?? other.file,
    module: one.module ?? other.module,
    system: one.system && other.system,
    dump_count: one.dump_count + other.dump_count,
    debuggable_count: one.debuggable_count + other.debuggable_count,
    request_count: one.request_count + other.request_count,
    first_seen: [one.first_seen, other.first_seen].toSorted()[0] ?? one.first_seen,
    last_seen: [one.last_seen, other.last_seen].toSorted()[1] ?? one.last_seen,
  };
}

function byDemand(one: Entry, other: Entry): number {
  return other.dump_count + other.request_count - (one.dump_count + one.request_count);
}

/** Takes the misses of the module out of `missed`. */
function moduleEntry(module: WantedModule, missed: Map<string, SymbolMiss>): Entry | null {
  const { guidKey, age } = module;
  if (guidKey === null || age === null) return null;
  const key = symbolStoreKey(guidKey, age);
  const found = [key, portableStoreKey(guidKey)].flatMap((known) => missed.get(known) ?? []);
  for (const miss of found) missed.delete(miss.key);
  return {
    kind: 'pdb',
    file: module.debugFile ?? found[0]?.file ?? null,
    key,
    guid: dashedGuid(guidKey),
    age,
    module: module.name,
    version: module.version,
    system: module.isSystem,
    dump_count: module.dumpCount,
    debuggable_count: module.keyCount,
    request_count: found.reduce((sum, miss) => sum + miss.requestCount, 0),
    first_seen: isoSeconds(Math.min(module.firstMs, ...found.map(({ firstMs }) => firstMs))),
    last_seen: isoSeconds(Math.max(module.lastMs, ...found.map(({ lastMs }) => lastMs))),
  };
}

/** The module of stored dumps that a missed PDB belongs to. */
async function moduleOf(modules: ModuleStore, { key }: SymbolMiss): Promise<WantedModule | null> {
  const identity = parseSymbolKey(key);
  return identity?.kind === 'pdb' ? modules.wantedByDebugId(identity.guidKey, identity.age) : null;
}

function missEntry(miss: SymbolMiss, module: WantedModule | null): Entry {
  const identity = parseSymbolKey(miss.key);
  const debugId = identity?.kind === 'pdb' ? identity : null;
  const isPortable = debugId?.age === PORTABLE_AGE;
  return {
    kind: debugId ? 'pdb' : 'exe',
    file: miss.file,
    key: miss.key,
    guid: debugId && dashedGuid(debugId.guidKey),
    age: isPortable ? null : (debugId?.age ?? null),
    module: module?.name ?? (debugId ? null : miss.file),
    version: module?.version ?? null,
    system: module?.isSystem ?? false,
    dump_count: module?.dumpCount ?? 0,
    debuggable_count: module?.keyCount ?? 0,
    request_count: miss.requestCount,
    first_seen: isoSeconds(miss.firstMs),
    last_seen: isoSeconds(miss.lastMs),
  };
}
