/** The most frequent crashes: how often, since when, in which versions, and whether they grow. */
import type { Handler } from '../operation.ts';
import { isoSeconds, parseInstant } from '../platform/clock.ts';
import type { CatchUp } from './catch-up.ts';
import type { ModuleStore, SignatureCount, SignatureFilter } from './module-store.ts';
import type { moduleOperations } from './operations/modules.ts';
import { jsonObject } from './replies.ts';
import { signatureParts } from './signature.ts';
import type { CrashStore } from './store.ts';

const DAY_MS = 86_400_000;
const VERSIONS_MAX = 20;
/** A crash that comes and goes a little is steady. */
const STEADY_SHARE = 0.25;

export interface SignaturesContext {
  readonly store: CrashStore;
  readonly modules: ModuleStore;
  readonly catchUp: CatchUp;
  readonly now: () => number;
}

export function signaturesHandler({
  store,
  modules,
  catchUp,
  now,
}: SignaturesContext): Handler<(typeof moduleOperations)['listSignatures']> {
  return async ({ start_time, end_time, version, trend_days, limit }) => {
    await catchUp();
    const filter: SignatureFilter = {
      startMs: start_time === undefined ? undefined : parseInstant(start_time),
      endMs: end_time === undefined ? undefined : parseInstant(end_time),
      version,
    };
    const trendStartMs = (Math.floor(now() / DAY_MS) - trend_days + 1) * DAY_MS;
    const totals = await modules.signatureTotals(filter);
    const crashes = [];
    for (const counted of await modules.topSignatures(filter, limit)) {
      const days = await modules.daysOf(counted.signature, trendStartMs, filter);
      const trend = trendOf(days, trend_days);
      crashes.push({
        ...shownSignature(counted),
        exception_name: await exceptionNameOf(store, counted.lastId),
        versions: [...(await modules.versionsOf(counted.signature, filter, VERSIONS_MAX))],
        trend,
        change: changeOf(trend, counted.firstMs, trendStartMs),
      });
    }
    return {
      crashes,
      total: totals.signatures,
      minidumps: totals.minidumps,
      unsigned: totals.unsigned,
      unindexed: await modules.countUnindexed(),
      trend_start: isoSeconds(trendStartMs),
    };
  };
}

function shownSignature({ signature, count, firstMs, lastMs, lastId }: SignatureCount) {
  const { code, module, offset } = signatureParts(signature);
  return {
    signature,
    exception_code: code,
    module,
    offset,
    count,
    first_seen: isoSeconds(firstMs),
    last_seen: isoSeconds(lastMs),
    last_minidump_id: lastId,
  };
}

/** The name depends on the system, which the dump knows. */
async function exceptionNameOf(store: CrashStore, minidumpId: string): Promise<string | null> {
  const row = await store.find('minidumps', minidumpId);
  const name = jsonObject(row?.parsed ?? null)?.exception_name;
  return typeof name === 'string' ? name : null;
}

function trendOf(
  days: readonly { readonly day: number; readonly count: number }[],
  length: number,
): number[] {
  const trend = new Array<number>(length).fill(0);
  for (const { day, count } of days) if (day >= 0 && day < length) trend[day] = count;
  return trend;
}

type Change = 'new' | 'rising' | 'steady' | 'falling' | 'quiet';

/** The later half against the earlier one; of an odd number of days the middle one counts for neither. */
export function changeOf(trend: readonly number[], firstMs: number, trendStartMs: number): Change {
  const half = Math.floor(trend.length / 2);
  const sum = (part: readonly number[]): number => part.reduce((total, count) => total + count, 0);
  const earlier = sum(trend.slice(0, half));
  const later = sum(trend.slice(trend.length - half));
  if (earlier + later === 0) return 'quiet';
  if (firstMs >= trendStartMs + (trend.length - half) * DAY_MS) return 'new';
  if (Math.abs(later - earlier) <= STEADY_SHARE * Math.max(earlier, later)) return 'steady';
  return later > earlier ? 'rising' : 'falling';
}
