/** What became of a batch: one JSON document for programs, one line for people. */
import { describeFailure } from '../failure.ts';
import type { Run } from '../run.ts';
import { writeWhole } from '../whole-file.ts';
import type { Sent } from './kinds.ts';
import type { WireKind } from './recognise.ts';

/** What became of one file; a file that nobody got to yet has failed when the run is interrupted. */
export interface FileResult {
  readonly path: string;
  readonly kind: WireKind;
  readonly sent: Sent | null;
  readonly error: unknown;
}

export interface Summary {
  readonly total: number;
  readonly uploaded: number;
  /** Stored before, whether they had to be sent to know or not. */
  readonly deduplicated: number;
  /** Files in folders that are of another kind; they are in no other count and not among the files. */
  readonly skipped: number;
  readonly failed: number;
  /** Of all that is stored now. */
  readonly bytes: number;
  readonly duration_ms: number;
  readonly files: readonly SummaryFile[];
}

interface SummaryFile {
  readonly path: string;
  readonly kind: WireKind;
  readonly status: 'uploaded' | 'deduplicated' | 'failed';
  readonly id: string | null;
  readonly state: string | null;
  readonly sha256: string | null;
  readonly exe_version: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  /** Dumps that had to wait for it. */
  readonly newly_debuggable: number;
  readonly warnings: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

export function summaryOf(
  { language }: Pick<Run, 'language'>,
  results: readonly FileResult[],
  { passedOver, startedAt }: { readonly passedOver: number; readonly startedAt: number },
): Summary {
  const files = results.map(({ path, kind, sent, error }): SummaryFile => {
    const reply = sent?.reply;
    const status = !reply ? 'failed' : reply.deduplicated ? 'deduplicated' : 'uploaded';
    const { code, message } = describeFailure(error, language);
    return {
      path,
      kind,
      status,
      id: sent?.id ?? null,
      state: reply?.state ?? null,
      sha256: reply?.sha256 ?? null,
      exe_version: reply?.exe_version ?? null,
      exe_guid: reply?.exe_guid ?? null,
      exe_age: reply?.exe_age ?? null,
      newly_debuggable: reply?.newly_debuggable ?? 0,
      warnings: reply?.warnings ?? [],
      ...(sent ? {} : { error: { code, message } }),
    };
  });
  const count = (status: SummaryFile['status']): number =>
    files.filter((file) => file.status === status).length;
  return {
    total: files.length,
    uploaded: count('uploaded'),
    deduplicated: count('deduplicated'),
    skipped: passedOver,
    failed: count('failed'),
    bytes: results.reduce((sum, { sent }) => sum + (sent?.reply.size_bytes ?? 0), 0),
    duration_ms: Date.now() - startedAt,
    files,
  };
}

/** @throws ChsError LOCAL_FILE */
export async function writeSummary({ out }: Pick<Run, 'out'>, path: string, summary: Summary): Promise<void> {
  if (path === '-') out.value(summary);
  else await writeWhole(path, `${JSON.stringify(summary, null, 2)}\n`);
}

/** `12 uploaded, 3 stored before, 1 failed`; what there is none of is left out. */
export function closingLine({ total, uploaded, deduplicated, skipped, failed }: Summary): string {
  const parts = [
    [uploaded, 'uploaded'],
    [deduplicated, 'stored before'],
    [failed, 'failed'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  const others = skipped > 0 ? ` (${skipped} other files passed over)` : '';
  return `${total === 0 ? 'nothing to upload' : said.join(', ')}${others}`;
}
