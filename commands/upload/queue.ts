/** Works on several things at once and hands on what became of them in their own order. */

export interface QueueOptions<Item, Result> {
  /** How many at the same time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Rejects only when the run is interrupted. */
  readonly work: (item: Item) => Promise<Result>;
  /**
   * Called once for each, in the order of the items, as soon as all before it are done; for those that were done when
   * the run was interrupted, too. What it throws ends the queue.
   */
  readonly done: (result: Result, item: Item, index: number) => void;
}

/** @throws what aborted the signal, or what `done` or `work` threw; nothing is under way any more then */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  { jobs, signal, work, done }: QueueOptions<Item, Result>,
): Promise<void> {
  const results = new Map<number, Result>();
  let next = 0;
  let told = 0;
  let isOver = false;
  const tell = (index: number): void => {
    const result = results.get(index) as Result;
    results.delete(index);
    done(result, items[index] as Item, index);
  };
  const step = async (index: number, item: Item): Promise<void> => {
    results.set(index, await work(item));
    while (!isOver && results.has(told)) {
      told += 1;
      tell(told - 1);
    }
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      const index = next;
      const item = items[index];
      if (item === undefined || isOver || signal.aborted) return;
      next += 1;
      try {
        await step(index, item);
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(jobs, items.length) }, worker);
  const settled = await Promise.allSettled(workers);
  // One that was interrupted is never done, and those after it may be.
  if (signal.aborted) for (const index of [...results.keys()].sort((a, b) => a - b)) tell(index);
  signal.throwIfAborted();
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
}
