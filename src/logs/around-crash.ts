/** What logs say around a crash: the lines of every file in the time before and after it, the nearest ones. */
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { deadlineOf, type FindingContext, type ScanSlots, wholeParts } from './finding.ts';
import type { logOperations } from './operations.ts';
import type { LineQuery } from './search/query.ts';
import { runScan } from './search/scan.ts';
import { createPageSink, HITS_BEYOND_PAGE } from './search/sinks.ts';
import { inOrder } from './search/snapshot.ts';
import { formatInstant } from './time/instants.ts';
import type { CrashEvent } from './timeline.ts';

type LogHandlers = Handlers<typeof logOperations>;

export interface AroundCrashContext extends FindingContext {
  readonly openDirectory: LogHandlers['openDirectory'];
  /** Null when there is no such minidump; its time may not be known. */
  readonly crash: (minidumpId: string) => Promise<CrashEvent | null>;
}

/** Lines that are looked at for the nearest ones. */
const LINES_MAX = 20_000;
const CHARS_MAX = 32 * 1024 * 1024;

export function createAroundCrash(
  context: AroundCrashContext,
  slots: ScanSlots,
): Pick<LogHandlers, 'aroundCrash'> {
  return {
    async aroundCrash(input, call) {
      const crash = await context.crash(input.minidump_id);
      if (!crash) throw new ChsError('MINIDUMP_NOT_FOUND', { id: input.minidump_id });
      const { paths, timezone } = input;
      const opened = await context.openDirectory({ paths, timezone, globs: [], list_files: false }, call);
      const window = {
        startMs: crash.epochMs - input.seconds_before * 1000,
        endMs: crash.epochMs + input.seconds_after * 1000,
      };
      const lines = await slots.run(() => linesWithin(context, call, opened.session_id, window));
      const redact = await context.redaction();
      const nearest = [...lines]
        .sort((a, b) => Math.abs(a.epochMs - crash.epochMs) - Math.abs(b.epochMs - crash.epochMs))
        .slice(0, input.limit);
      const shown = new Set(nearest);
      return {
        crash: {
          minidump_id: crash.minidumpId,
          signature: crash.signature,
          exception_code: crash.exceptionCode,
          exe_name: crash.exeName,
          exe_version: crash.exeVersion,
          pid: crash.pid,
        },
        at: formatInstant(crash.epochMs),
        session_id: opened.session_id,
        lines: lines
          .filter((line) => shown.has(line))
          .sort((a, b) => a.epochMs - b.epochMs)
          .map(({ file, lineNumber, epochMs, content }) => ({
            file,
            line_number: lineNumber,
            timestamp: formatInstant(epochMs),
            offset_ms: epochMs - crash.epochMs,
            content: redact(content),
          })),
        total: lines.length,
      };
    },
  };
}

interface LineNear {
  readonly file: string;
  readonly lineNumber: number;
  readonly epochMs: number;
  readonly content: string;
}

async function linesWithin(
  { view, limits, pool, times }: FindingContext,
  call: Call,
  sessionId: string,
  window: NonNullable<LineQuery['window']>,
): Promise<LineNear[]> {
  const { files } = await view(sessionId, call);
  const parts = wholeParts(inOrder(files));
  const sink = createPageSink({ hitsMax: LINES_MAX, charsMax: CHARS_MAX, lastGiven: null });
  await runScan(
    {
      parts,
      query: {
        must: [],
        any: [],
        none: [],
        regex: null,
        caseSensitive: true,
        wholeWord: false,
        json: null,
        window,
      },
      queryKey: `around ${window.startMs} ${window.endMs}`,
      collecting: {
        kind: 'hits',
        options: {
          hitsMax: LINES_MAX + HITS_BEYOND_PAGE,
          charsMax: CHARS_MAX,
          contextLines: 0,
          wholeEvents: false,
          window,
          lineBytesMax: limits.maxLineBytes,
        },
      },
      lineBytesMax: limits.maxLineBytes,
      regexTimeoutMs: limits.regexTimeoutMs,
      scannedBytesMax: limits.maxScannedBytes,
      deadlineMs: deadlineOf(undefined, limits),
      signal: call.signal,
      times,
    },
    pool,
    sink,
  );
  return sink.hits.flatMap(({ part, lines, epochMs, content }) => {
    const file = parts[part]?.file.path;
    return file === undefined || epochMs === null ? [] : { file, lineNumber: lines + 1, epochMs, content };
  });
}
