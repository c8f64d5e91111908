/** Which backups are too old to keep, pure. Nothing goes unless a newer verified backup has all that it has. */
import type { CatalogueEntry } from './catalogue.ts';
import type { Manifest } from './manifest.ts';

const DAY_MS = 86_400_000;

/** So much may the clocks of those who make and those who read backups differ. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

export type RetentionEntry = Pick<
  CatalogueEntry,
  'id' | 'manifest' | 'signature' | 'verification' | 'problem'
>;

export interface RetentionPolicy {
  readonly nowMs: number;
  /** What is younger stays. */
  readonly keepDays: number;
  /** Of each database, so many of the newest verified backups stay, however old; at least 1. */
  readonly keepLast: number;
}

export interface RetentionChoice {
  readonly id: string;
  readonly reason: string;
}

export interface RetentionPlan {
  readonly remove: readonly RetentionChoice[];
  readonly keep: readonly RetentionChoice[];
  /** The verified backups for whose sake others may go: whoever removes looks first whether they are there still. */
  readonly relied: readonly string[];
  readonly warnings: readonly string[];
}

/** A backup of the own key, with what of it a newer one has to have before it may go. */
interface Judged {
  readonly id: string;
  readonly atMs: number;
  readonly sequence: number;
  readonly isVerified: boolean;
  /** What newer ones must have before it may go: names of databases, and `the files of NAME`. */
  readonly needs: readonly string[];
  /** What it has, for older ones. */
  readonly gives: readonly string[];
}

/**
 * What to remove. Times are those of the signed manifests, never those of names or files. It is removed only what
 *
 * - was signed by the own key, and is older than `keepDays`, by a clock that has not been set back;
 * - has for each of its databases, and for its files, at least `keepLast` newer verified backups.
 *
 * What is dated in the future is never removed and never counts as newer. So the last verified backup of each
 * database is always there, however often a plan is carried out.
 */
export function planRetention(entries: readonly RetentionEntry[], policy: RetentionPolicy): RetentionPlan {
  const keep: RetentionChoice[] = [];
  const warnings: string[] = [];
  const own: Judged[] = [];
  const future: Judged[] = [];
  for (const entry of entries) {
    const { manifest } = entry;
    if (!manifest || entry.signature !== 'own') {
      const reason = strangeness(entry);
      keep.push({ id: entry.id, reason });
      warnings.push(`${entry.id} is kept: ${reason}`);
      continue;
    }
    const judged = judge(entry.id, manifest, entry.verification?.ok === true);
    if (judged.atMs <= policy.nowMs + CLOCK_TOLERANCE_MS) {
      own.push(judged);
      continue;
    }
    future.push(judged);
    keep.push({ id: entry.id, reason: 'it is dated in the future' });
    warnings.push(`${entry.id} is kept: it is dated in the future`);
  }
  if (isClockSetBack(own, future)) {
    warnings.push('nothing is removed: the clock is behind the newest backup');
    for (const { id } of own) keep.push({ id, reason: 'the clock is behind the newest backup' });
    return { remove: [], keep, relied: [], warnings };
  }
  const { remove, kept, relied } = sortOut(own, policy);
  return { remove, keep: [...keep, ...kept], relied, warnings };
}

/**
 * A date in the future has two explanations: the clock is behind now, or it was ahead then. If a later one of the
 * chain (by number) has a date that has come, it is the second.
 */
function isClockSetBack(own: readonly Judged[], future: readonly Judged[]): boolean {
  const highest = (list: readonly Judged[]) => list.reduce((top, { sequence }) => Math.max(top, sequence), 0);
  return future.length > 0 && highest(future) >= highest(own);
}

function sortOut(
  own: Judged[],
  { nowMs, keepDays, keepLast }: RetentionPolicy,
): { remove: RetentionChoice[]; kept: RetentionChoice[]; relied: string[] } {
  const remove: RetentionChoice[] = [];
  const kept: RetentionChoice[] = [];
  const relied = new Set<string>();
  const least = Math.max(1, keepLast);
  /** Of each part, the verified backups that are newer than the one at hand. */
  const newer = new Map<string, string[]>();
  for (const { id, atMs, isVerified, needs, gives } of own.sort(newestFirst)) {
    const lacking = needs.find((part) => (newer.get(part)?.length ?? 0) < least);
    if (nowMs - atMs <= keepDays * DAY_MS) {
      kept.push({ id, reason: `it is not older than ${keepDays} days` });
    } else if (lacking !== undefined) {
      kept.push({ id, reason: reasonToKeep(lacking, isVerified, newer.get(lacking)?.length ?? 0, least) });
    } else {
      const covering = needs.flatMap((part) => newer.get(part)?.slice(0, least) ?? []);
      for (const one of covering) relied.add(one);
      remove.push({
        id,
        reason: `it is older than ${keepDays} days, and ${covering[0]} is newer and verified`,
      });
    }
    if (!isVerified) continue;
    for (const part of gives) {
      const list = newer.get(part);
      if (!list) newer.set(part, [id]);
      else if (list.length < least) list.push(id);
    }
  }
  return { remove, kept, relied: [...relied] };
}

function reasonToKeep(part: string, isVerified: boolean, count: number, least: number): string {
  const what = part === ANYTHING ? '' : ` of ${part}`;
  if (isVerified && least > 1) return `it is one of the newest ${least} verified backups${what}`;
  if (isVerified) return `it is the newest verified backup${what}`;
  if (count === 0) return `there is no newer verified backup${what}`;
  return `there are only ${count} newer verified backups${what}`;
}

/** A backup without databases may go for any newer one. */
const ANYTHING = '';

function judge(id: string, manifest: Manifest, isVerified: boolean): Judged {
  const names = manifest.databases.map(({ name }) => name);
  const files = manifest.files ? [`the files of ${manifest.files.database}`] : [];
  const named = [...names, ...files];
  const needs = named.length > 0 ? named : [ANYTHING];
  const gives = [...named, ANYTHING];
  return { id, atMs: Date.parse(manifest.timestamp), sequence: manifest.sequence, isVerified, needs, gives };
}

function newestFirst(a: Judged, b: Judged): number {
  return b.atMs - a.atMs || b.sequence - a.sequence || (a.id < b.id ? 1 : -1);
}

function strangeness({ problem, signature }: RetentionEntry): string {
  if (problem !== null) return problem;
  return signature === 'other' ? 'another installation signed it' : 'its manifest was changed';
}
