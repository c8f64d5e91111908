/** A domain that is loaded when one of its operations is called: most commands call none of them. */
import type { Handlers, Operations } from './operation.ts';

type AnyHandler = (input: unknown, call: unknown) => Promise<unknown>;

/** @param load called once, at the first call of any operation */
export function lazyHandlers<T extends Operations>(
  operations: T,
  load: () => Promise<Handlers<T>>,
): Handlers<T> {
  const handlers = Object.keys(operations).map((name): [string, AnyHandler] => [
    name,
    async (input, call) => {
      const handler: unknown = Reflect.get(await load(), name);
      if (typeof handler !== 'function') throw new Error(`${name} has no handler`);
      return handler(input, call);
    },
  ]);
  return Object.fromEntries(handlers) as Handlers<T>;
}
