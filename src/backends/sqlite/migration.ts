/** One step of a database's tables, and the expressions that several steps share. */

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** `2026-01-06T12:34:56Z`, with any offset, as epoch milliseconds. */
export const epochMs = (column: string): string =>
  `cast(round(unixepoch(${column}, 'subsec') * 1000) as integer)`;

/** A GUID in any spelling as its 32 upper-case digits. */
export const guidKey = (column: string): string =>
  `nullif(upper(replace(replace(replace(${column}, '-', ''), '{', ''), '}', '')), '')`;
