/** Works on several things at once and hands on what became of them in their own order. */

export interface QueueOptions<Item, Result> {
  /** How many at the same time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Rejects only when the run is interrupted. */
  readonly work: (item: Item) => Promise<Result>;
  /** Called once for each, in the order of the items, as soon as all before it are done. */
  readonly done: (result: Result, item: Item) => void;
}

/** @throws what aborted the signal; nothing is under way any more then */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  { jobs, signal, work, done }: QueueOptions<Item, Result>,
): Promise<void> {
  const results = new Map<number, Result>();
  let next = 0;
  let told = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const index = next;
      const item = items[index];
      if (item === undefined || signal.aborted) return;
      next += 1;
      results.set(index, await work(item));
      while (results.has(told)) {
        const result = results.get(told) as Result;
        const finished = items[told] as Item;
        results.delete(told);
        told += 1;
        done(result, finished);
      }
    }
  };
  const workers = Array.from({ length: Math.min(jobs, items.length) }, worker);
  const settled = await Promise.allSettled(workers);
  signal.throwIfAborted();
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
}
