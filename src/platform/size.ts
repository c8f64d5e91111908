/** Sizes as the documents write limits: 104857600 bytes are `100MB`. */

/** @param bytes not negative */
export function readableSize(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1 << 30],
    ['MB', 1 << 20],
    ['KB', 1 << 10],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(2))}${unit}`;
  }
  return `${bytes} bytes`;
}
