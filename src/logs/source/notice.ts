/** Something about a file that whoever asked should know, though it stops nothing. */

export type NoticeCode =
  /** No permission, or an error of the disk that stayed. */
  | 'UNREADABLE'
  | 'IO_ERROR'
  | 'NOT_A_FILE'
  | 'BINARY'
  | 'TOO_MANY_FILES'
  | 'TOO_DEEP'
  | 'LINK_OUTSIDE'
  | 'TRUNCATED_GZIP'
  | 'CORRUPT_GZIP'
  /** Another file has taken its name, or its beginning was written anew. */
  | 'REPLACED'
  | 'TRUNCATED'
  | 'GONE'
  | 'ENCODING_GUESSED';

export interface Notice {
  /** Null where it is about no single file. */
  readonly file: string | null;
  readonly code: NoticeCode;
  readonly message: string;
}

/** So many of one code are given one by one. */
const OF_ONE_CODE_MAX = 20;

/** At most 20 of each code, in their order, and one more for each code that says how many are left out. */
export function shortened(notices: readonly Notice[]): Notice[] {
  const counts = new Map<NoticeCode, number>();
  const kept: Notice[] = [];
  for (const notice of notices) {
    const count = (counts.get(notice.code) ?? 0) + 1;
    counts.set(notice.code, count);
    if (count <= OF_ONE_CODE_MAX) kept.push(notice);
  }
  for (const [code, count] of counts) {
    const more = count - OF_ONE_CODE_MAX;
    if (more > 0) kept.push({ file: null, code, message: `the same of ${more} more` });
  }
  return kept;
}
