/** Writing SQL: names and texts in quotes, names that are not too long. */

/** PostgreSQL cuts off what is longer, without a word. */
const NAME_BYTES_MAX = 63;

/** `Täble "x"` becomes `"Täble ""x"""`. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in quotes, whatever `standard_conforming_strings` says on that server. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** `name` and `suffix` as one name of a database; a long name loses its end, not the suffix. */
export function suffixed(name: string, suffix: string): string {
  const bytes = Buffer.from(name);
  let end = Math.min(bytes.length, NAME_BYTES_MAX - Buffer.byteLength(suffix));
  // Not in the middle of a character: its further bytes are 10xxxxxx.
  while (end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString('utf8') + suffix;
}
