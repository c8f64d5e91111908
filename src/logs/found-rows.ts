/** The hits of a page as they are given and kept. */
import { createHash } from 'node:crypto';
import type { FindingContext } from './finding.ts';
import type { ScanPart } from './search/plan.ts';
import type { PageHit } from './search/sinks.ts';
import type { HitRow } from './store.ts';
import { formatInstant } from './time/instants.ts';

/** The page on which hits were found. */
export interface FoundOn {
  readonly recordId: string;
  readonly parts: readonly ScanPart[];
  /** Line ends of each part before its start. */
  readonly linesBefore: readonly number[];
}

/** A hit as it is given and kept: without secrets. */
export type FoundRow = HitRow & {
  readonly subMsNs: number;
  readonly before: string[];
  readonly after: string[];
};

export async function rowsOf(
  { redaction }: Pick<FindingContext, 'redaction'>,
  page: FoundOn,
  hits: readonly PageHit[],
): Promise<FoundRow[]> {
  const redacted = await redaction();
  return hits.flatMap((hit) => {
    const file = page.parts[hit.part]?.file;
    if (!file) return [];
    const texts = redacted.lines([...hit.before, hit.content, ...hit.after]);
    const before = texts.slice(0, hit.before.length);
    const after = texts.slice(hit.before.length + 1);
    return {
      id: hitId(page.recordId, file.path, hit.offset),
      recordId: page.recordId,
      file: file.path,
      familyId: file.familyId,
      lineNumber: (page.linesBefore[hit.part] ?? 0) + hit.lines + 1,
      byteOffset: hit.offset,
      timestamp: hit.epochMs,
      content: texts[hit.before.length] ?? '',
      context: JSON.stringify([before, after]),
      truncated: hit.isTruncated,
      subMsNs: hit.subMsNs,
      before,
      after,
    };
  });
}

/** The same for the same line of the same search, so that a page that is asked for twice is kept once. */
function hitId(recordId: string, path: string, offset: number): string {
  const digest = createHash('sha256').update(`${recordId}\0${path}\0${offset}`).digest('hex');
  return `hit_${digest.slice(0, 20)}`;
}

export function shownHit(row: FoundRow) {
  return {
    id: row.id,
    file: row.file,
    family_id: row.familyId,
    line_number: row.lineNumber,
    byte_offset: row.byteOffset,
    timestamp: row.timestamp === null ? null : formatInstant(row.timestamp, row.subMsNs),
    content: row.content,
    context_before: row.before,
    context_after: row.after,
    truncated: row.truncated,
  };
}
