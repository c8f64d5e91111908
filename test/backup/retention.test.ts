/** What retention removes, by cases and by what must hold for any catalogue. */
import t from 'tap';
import { planRetention, type RetentionEntry } from '../../src/backup/retention.ts';
import { isoSeconds } from '../../src/platform/clock.ts';
import { bodyOf, databaseOf, hashOf, idOf, verificationOf } from './made-backups.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 30, 2);
const signature = { key: '', value: '' };

interface Given {
  readonly daysAgo: number;
  readonly sequence: number;
  readonly names?: readonly string[];
  readonly withFiles?: boolean;
  readonly verified?: boolean | null;
  readonly signedBy?: RetentionEntry['signature'];
}

function entryOf({
  daysAgo,
  sequence,
  names = ['main'],
  withFiles,
  verified = true,
  signedBy,
}: Given): RetentionEntry {
  const atMs = NOW_MS - daysAgo * DAY_MS;
  const id = idOf(atMs, sequence);
  const files = {
    database: 'main',
    path: '/data',
    count: 0,
    size: 0,
    list: 'files.ndjson.gz',
    list_size: 20,
  };
  const body = bodyOf({
    id,
    timestamp: isoSeconds(atMs),
    databases: names.map((name) => databaseOf(name)),
    files: withFiles ? { ...files, list_sha256: hashOf(''), missing: [] } : null,
    sequence,
  });
  return {
    id,
    manifest: { ...body, signature },
    signature: signedBy ?? 'own',
    verification:
      verified === null ? null : { ...verificationOf(id, hashOf(id), { ok: verified }), signature },
    problem: null,
  };
}

const policy = { nowMs: NOW_MS, keepDays: 30, keepLast: 1 };
const numbers = (list: readonly { id: string }[]) => list.map(({ id }) => Number.parseInt(id.slice(-6), 16));
const planOf = (given: readonly Given[], change: Partial<typeof policy> = {}) =>
  planRetention(given.map(entryOf), { ...policy, ...change });

t.test('removes what is old, once a newer one is verified', async (t) => {
  const plan = planOf([
    { daysAgo: 1, sequence: 3 },
    { daysAgo: 31, sequence: 2 },
    { daysAgo: 40, sequence: 1 },
  ]);
  t.strictSame(numbers(plan.remove), [2, 1]);
  t.strictSame(numbers(plan.keep), [3]);
  t.match(
    plan.remove[0]?.reason,
    /^it is older than 30 days, and \d{8}T020000Z-000003 is newer and verified$/,
  );
  t.strictSame(numbers(plan.relied.map((id) => ({ id }))), [3]);
  t.strictSame(plan.warnings, []);
});

t.test('the day counts to the second', async (t) => {
  const second = 1000 / DAY_MS;
  const given = (daysAgo: number) => [
    { daysAgo: 1, sequence: 2 },
    { daysAgo, sequence: 1 },
  ];
  t.strictSame(numbers(planOf(given(30)).remove), []);
  t.strictSame(numbers(planOf(given(30 + second)).remove), [1]);
});

t.test('keeps the last verified one, however old and whatever came after it', async (t) => {
  for (const verified of [null, false]) {
    const plan = planOf([
      { daysAgo: 1, sequence: 3, verified },
      { daysAgo: 50, sequence: 2, verified },
      { daysAgo: 400, sequence: 1 },
    ]);
    t.strictSame(numbers(plan.remove), []);
    t.match(plan.keep.at(-1)?.reason, 'it is the newest verified backup of main');
    t.match(plan.keep.at(-2)?.reason, 'there is no newer verified backup of main');
  }
});

t.test('what was not verified, or did not hold, goes as well', async (t) => {
  const plan = planOf([
    { daysAgo: 1, sequence: 3 },
    { daysAgo: 50, sequence: 2, verified: null },
    { daysAgo: 60, sequence: 1, verified: false },
  ]);
  t.strictSame(numbers(plan.remove), [2, 1]);
});

t.test('a backup of some databases does not replace one of all', async (t) => {
  const partial = planOf([
    { daysAgo: 1, sequence: 3, names: ['msg'] },
    { daysAgo: 50, sequence: 2, names: ['msg'] },
    { daysAgo: 60, sequence: 1, names: ['main', 'msg'] },
  ]);
  t.strictSame(numbers(partial.remove), [2]);
  t.match(partial.keep.at(-1)?.reason, 'it is the newest verified backup of main');
  const together = planOf([
    { daysAgo: 1, sequence: 3, names: ['msg'] },
    { daysAgo: 2, sequence: 2, names: ['main'] },
    { daysAgo: 60, sequence: 1, names: ['main', 'msg'] },
  ]);
  t.strictSame(numbers(together.remove), [1]);
  t.strictSame(numbers(together.relied.map((id) => ({ id }))).sort(), [2, 3]);
});

t.test('a backup without the files does not replace one with them', async (t) => {
  const plan = planOf([
    { daysAgo: 1, sequence: 2 },
    { daysAgo: 60, sequence: 1, withFiles: true },
  ]);
  t.strictSame(numbers(plan.remove), []);
  t.match(plan.keep.at(-1)?.reason, 'it is the newest verified backup of the files of main');
});

t.test('keeps the newest so many verified ones', async (t) => {
  const given = [1, 40, 50, 60, 70].map((daysAgo, index) => ({
    daysAgo,
    sequence: 5 - index,
    verified: daysAgo === 50 ? null : true,
  }));
  t.strictSame(numbers(planOf(given, { keepLast: 3 }).remove), [1]);
  t.strictSame(numbers(planOf(given, { keepLast: 100 }).remove), []);
  t.strictSame(numbers(planOf(given, { keepLast: 0 }).remove), [4, 3, 2, 1], 'at least one');
});

t.test('what others signed, or somebody changed, stays and counts for nothing', async (t) => {
  for (const signedBy of ['other', 'invalid'] as const) {
    const plan = planOf([
      { daysAgo: 1, sequence: 3, signedBy },
      { daysAgo: 50, sequence: 2 },
      { daysAgo: 60, sequence: 1, signedBy },
    ]);
    t.strictSame(numbers(plan.remove), []);
    t.equal(plan.warnings.length, 2);
  }
});

t.test('one that cannot be read stays', async (t) => {
  const damaged: RetentionEntry = {
    id: idOf(0, 9),
    manifest: null,
    signature: 'invalid',
    verification: null,
    problem: 'its manifest cannot be read: it is not JSON',
  };
  const rest = [
    { daysAgo: 1, sequence: 2 },
    { daysAgo: 60, sequence: 1 },
  ].map(entryOf);
  const plan = planRetention([damaged, ...rest], policy);
  t.strictSame(numbers(plan.remove), [1]);
  t.match(plan.warnings, [/000009 is kept: its manifest cannot be read/]);
});

t.test('a date in the future counts for nothing', async (t) => {
  const plan = planOf([
    { daysAgo: -400, sequence: 2 },
    { daysAgo: 40, sequence: 3 },
    { daysAgo: 50, sequence: 1 },
  ]);
  t.strictSame(numbers(plan.remove), [1], 'the clock was ahead once: the chain went on after it');
  t.match(plan.warnings, [/000002 is kept: it is dated in the future/]);
  const slightly = planOf([
    { daysAgo: -1 / 1440, sequence: 2 },
    { daysAgo: 50, sequence: 1 },
  ]);
  t.strictSame(numbers(slightly.remove), [1]);
});

t.test('nothing goes while the clock is behind', async (t) => {
  const given = [1, 32, 50].map((daysAgo, index) => ({ daysAgo, sequence: 3 - index }));
  t.strictSame(numbers(planOf(given).remove), [2, 1]);
  const plan = planOf(given, { nowMs: NOW_MS - 1.5 * DAY_MS });
  t.strictSame(numbers(plan.remove), []);
  t.equal(plan.keep.length, 3);
  t.match(plan.warnings.at(-1), /the clock is behind the newest backup/);
});

/** A small generator with a seed: a failure says which. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomEntries(random: (below: number) => number): RetentionEntry[] {
  const count = random(25);
  const entries: RetentionEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    const names = ['main', 'msg', 'crash'].filter(() => random(3) > 0);
    entries.push(
      entryOf({
        // Some at one time, some in the future; numbers mostly in the order of time.
        daysAgo: random(12) === 0 ? -random(500) : random(100),
        sequence: random(6) === 0 ? 1 + random(40) : 1 + index,
        names,
        withFiles: random(4) === 0,
        verified: [true, true, false, null][random(4)] ?? null,
        signedBy: (['own', 'own', 'own', 'own', 'own', 'other', 'invalid'] as const)[random(7)] ?? 'own',
      }),
    );
  }
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}

const partsOf = ({ manifest }: RetentionEntry): string[] => [
  ...(manifest?.databases ?? []).map(({ name }) => name),
  ...(manifest?.files ? ['files'] : []),
];
const timeOf = ({ manifest }: RetentionEntry) => Date.parse(manifest?.timestamp ?? '');
const isGood = (entry: RetentionEntry, nowMs: number) =>
  entry.signature === 'own' && entry.verification?.ok === true && timeOf(entry) <= nowMs + 300_000;

/** The newest good time of each part; of several at one time any will do. */
function lastOf(entries: readonly RetentionEntry[], nowMs: number): Map<string, number> {
  const last = new Map<string, number>();
  for (const entry of entries.filter((one) => isGood(one, nowMs))) {
    for (const part of partsOf(entry)) last.set(part, Math.max(last.get(part) ?? 0, timeOf(entry)));
  }
  return last;
}

t.test('whatever there is, the last verified backup of each database stays', async (t) => {
  let removed = 0;
  let broken = 0;
  const ROUNDS = 6000;
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const random = randomOf(seed);
    let entries = randomEntries(random);
    let nowMs = NOW_MS;
    const keepDays = 1 + random(60);
    const keepLast = 1 + random(4);
    for (let again = 0; again < 4; again += 1) {
      const before = lastOf(entries, nowMs);
      const plan = planRetention(entries, { nowMs, keepDays, keepLast });
      const going = new Set(plan.remove.map(({ id }) => id));
      const kept = entries.filter(({ id }) => !going.has(id));
      const fail = (what: string) => {
        broken += 1;
        if (broken < 5) t.fail(`${what}: seed ${seed}`);
      };
      if (going.size + plan.keep.length !== entries.length) fail('each is either kept or removed');
      const after = lastOf(kept, nowMs);
      for (const [part, atMs] of before) if (after.get(part) !== atMs) fail(`the last of ${part} went`);
      for (const entry of entries.filter(({ id }) => going.has(id))) {
        if (entry.signature !== 'own') fail('one of others went');
        if (nowMs - timeOf(entry) <= keepDays * DAY_MS) fail('a young one went');
        for (const part of partsOf(entry)) {
          // Of those at one time the number decides, so at least so many are not older.
          const newer = kept.filter(
            (one) => isGood(one, nowMs) && timeOf(one) >= timeOf(entry) && partsOf(one).includes(part),
          );
          if (newer.length < keepLast) fail(`fewer than ${keepLast} newer ones of ${part}`);
          if (!newer.some(({ id }) => plan.relied.includes(id))) fail('nothing is relied on');
        }
      }
      if (plan.relied.some((id) => going.has(id))) fail('one that is relied on went');
      const same = planRetention(kept, { nowMs, keepDays, keepLast });
      if (same.remove.length > 0) fail('a second plan removes more');
      removed += going.size;
      entries = kept;
      nowMs += random(60) * DAY_MS - 10 * DAY_MS;
    }
  }
  t.equal(broken, 0);
  t.ok(removed > ROUNDS, `${removed} were removed`);
});
