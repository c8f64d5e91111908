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

const POWERS: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4 };

/** Bytes of a size such as `1048576`, `50GB` or `1.5 GiB` (KB, MB, GB and TB count in 1024s); NaN when the text is none. */
export function parseSize(text: string): number {
  const [, number, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(b|[kmgt]i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(number) * 1024 ** (POWERS[unit.charAt(0).toLowerCase()] ?? Number.NaN);
  return bytes <= Number.MAX_SAFE_INTEGER ? Math.floor(bytes) : Number.NaN;
}
