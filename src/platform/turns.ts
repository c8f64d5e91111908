/** Long work in turns, so that others get theirs in between. */

/** So many pieces of synchronous work at most stand between two looks at what else there is to do. */
const TURN = 16;

/** Like `Promise.all(items.map(work))`, one after the other, letting the event loop go round now and then. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (index % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    results.push(await work(item, index));
  }
  return results;
}
