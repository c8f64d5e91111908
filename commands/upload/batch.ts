/** Uploads many files: several at a time, each tried again, one failure stopping none of the others. */
import { crashOperations } from '../../src/crash/operations.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { printFailure } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { createBatchProgress } from '../views/batch-progress.ts';
import { refuseUnwritable } from '../whole-file.ts';
import type { BatchSettings } from './batch-options.ts';
import { inOrder } from './queue.ts';
import { namingFile, report } from './report.ts';
import { createAsking } from './resume.ts';
import { type SendContext, sendFile, type UploadItem } from './send.ts';
import { closingLine, type FileResult, summaryOf, writeSummary } from './summary.ts';

/** A file of a batch, or why it gives none. */
export interface BatchItem extends UploadItem {
  /** Null when it can be tried. */
  readonly problem: unknown;
}

export interface BatchOptions {
  readonly settings: BatchSettings;
  /** Files that were looked at and are of another kind. */
  readonly passedOver: number;
  /** One file was named and no more: its failure is the command's. */
  readonly single: boolean;
  readonly startedAt: number;
}

/**
 * @returns 2 when any file failed; 1 when one is not what was declared and that was asked for
 * @throws ChsError the failure of a single file, LOCAL_FILE for the summary, INTERRUPTED (the summary is written)
 */
export async function runBatch(
  run: Run,
  items: readonly BatchItem[],
  options: BatchOptions,
): Promise<ExitCode> {
  const { settings, single } = options;
  if (settings.summary !== null && settings.summary !== '-') await refuseUnwritable(settings.summary);
  const context = contextFor(run, items, settings);
  const lines = settings.summary !== '-';
  const results = new Map<number, FileResult>();
  const done = (result: FileResult, item: BatchItem, index: number): void => {
    results.set(index, result);
    context.progress.clear();
    if (result.sent) report(run, item.path, result.sent, { lines, named: items.length > 1 });
    else if (!single) sayFailure(run, result.error);
  };
  const work = (item: BatchItem): Promise<FileResult> => tried(context, item);
  await inOrder(items, { jobs: settings.jobs, signal: run.signal, work, done }).catch((error: unknown) => {
    if (!run.signal.aborted) throw error;
  });
  context.progress.clear();
  const all = items.map((item, index) => results.get(index) ?? interrupted(item));
  const summary = summaryOf(run, all, options);
  if (settings.summary !== null) await writeSummary(run, settings.summary, summary);
  if (!single) run.out.note(closingLine(summary));
  run.signal.throwIfAborted();
  const [only] = all;
  if (single && only && !only.sent) throw only.error;
  if (summary.failed > 0) return 2;
  return settings.failOnMismatch && summary.files.some(({ state }) => state === 'mismatch') ? 1 : 0;
}

function contextFor(run: Run, items: readonly BatchItem[], settings: BatchSettings): SendContext {
  return {
    run,
    client: async () => (await run.connect()).client(crashOperations),
    patience: settings.patience,
    asking: createAsking(),
    askAlways: items.length > 1 || settings.wait,
    readBack: settings.wait,
    progress: createBatchProgress(items.length, run.out.interactive && !run.out.quiet),
  };
}

async function tried(context: SendContext, item: BatchItem): Promise<FileResult> {
  const { path, kind, problem } = item;
  try {
    if (problem !== null) throw problem;
    return { path, kind: kind.wire, sent: await sendFile(context, item), error: null };
  } catch (error) {
    // Whatever an interruption makes fail has failed for that.
    context.run.signal.throwIfAborted();
    return { path, kind: kind.wire, sent: null, error: namingFile(path, error, context.run, kind) };
  }
}

function interrupted({ path, kind }: BatchItem): FileResult {
  return { path, kind: kind.wire, sent: null, error: new ChsError('INTERRUPTED') };
}

function sayFailure({ language, out, options, env }: Run, error: unknown): void {
  printFailure(error, { language, json: out.json, color: options.color, env });
}
