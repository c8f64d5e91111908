/** What logs say around a crash: the lines of every file in the time before and after it, the nearest ones. */
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { deadlineOf, type FindingContext, type ScanSlots, wholeParts } from './finding.ts';
import { createNearestLines, type LineNear, type NearestLines } from './nearest-lines.ts';
import type { logOperations } from './operations.ts';
import type { ScanPart } from './search/plan.ts';
import { EVERY_LINE, type LineQuery } from './search/query.ts';
import { runScan, type ScanOutcome } from './search/scan.ts';
import { createPageSink, HITS_BEYOND_PAGE } from './search/sinks.ts';
import { inOrder } from './search/snapshot.ts';
import { type Notice, shortened } from './source/notice.ts';
import { formatInstant } from './time/instants.ts';
import type { CrashEvent } from './timeline.ts';

type LogHandlers = Handlers<typeof logOperations>;

export interface AroundCrashContext extends FindingContext {
  readonly openDirectory: LogHandlers['openDirectory'];
  /** Null when there is no such minidump; its time may not be known. */
  readonly crash: (minidumpId: string) => Promise<CrashEvent | null>;
}

/** Of one look at the files: the nearest lines of each are kept, and the next look goes on where it ended. */
const PAGE_LINES_MAX = 20_000;
const PAGE_CHARS_MAX = 8 * 1024 * 1024;
/** Of the lines that are given. */
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
      const nearest = createNearestLines(crash.epochMs, { linesMax: input.limit, charsMax: CHARS_MAX });
      const looked = await slots.run(() => lookAt(context, call, opened.session_id, { window, nearest }));
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
        lines: (await withoutSecrets(context, nearest.lines())).map(
          ({ file, lineNumber, epochMs, content }) => ({
            file,
            line_number: lineNumber,
            timestamp: formatInstant(epochMs),
            offset_ms: epochMs - crash.epochMs,
            content,
          }),
        ),
        total: nearest.total(),
        ...looked,
      };
    },
  };
}

/** Redacted with their neighbours in the file, then in the order of their times. */
async function withoutSecrets(
  { redaction }: FindingContext,
  lines: readonly LineNear[],
): Promise<LineNear[]> {
  const redacted = await redaction();
  const files = new Map<string, LineNear[]>();
  for (const line of lines) {
    const others = files.get(line.file);
    if (others) others.push(line);
    else files.set(line.file, [line]);
  }
  return [...files.values()]
    .flatMap((ofFile) => {
      const texts = redacted.lines(ofFile.map(({ content }) => content));
      return ofFile.map((line, index) => ({ ...line, content: texts[index] ?? '' }));
    })
    .sort((a, b) => a.epochMs - b.epochMs);
}

interface Looking {
  readonly window: NonNullable<LineQuery['window']>;
  readonly nearest: NearestLines;
}

/** Shows every line of the window to `nearest`, as far as the limits of bytes and time go. */
async function lookAt(
  context: FindingContext,
  call: Call,
  sessionId: string,
  { window, nearest }: Looking,
): Promise<{ complete: boolean; notices: Notice[] }> {
  const { limits } = context;
  const view = await context.view(sessionId, call);
  const notices = new Map(view.notices.map((notice) => [noticeKey(notice), notice]));
  const deadlineMs = deadlineOf(undefined, limits);
  let parts: ScanPart[] = wholeParts(inOrder(view.files));
  let linesBefore = 0;
  let bytesLeft = limits.maxScannedBytes;
  for (;;) {
    const sink = createPageSink({ hitsMax: PAGE_LINES_MAX, charsMax: PAGE_CHARS_MAX, lastGiven: null });
    const request = { parts, window, deadlineMs, scannedBytesMax: bytesLeft };
    const { next, why, stats, notices: found } = await scanPage(context, call, request, sink);
    for (const notice of found) notices.set(noticeKey(notice), notice);
    for (const { part, lines, epochMs, content } of sink.hits) {
      const file = parts[part]?.file.path;
      if (file === undefined || epochMs === null) continue;
      nearest.add({ file, lineNumber: (part === 0 ? linesBefore : 0) + lines + 1, epochMs, content });
    }
    bytesLeft -= stats.bytesScanned;
    if (next === null || why !== 'enough' || bytesLeft <= 0)
      return { complete: next === null, notices: shortened([...notices.values()]) };
    linesBefore = (next.part === 0 ? linesBefore : 0) + next.lines;
    const [first, ...rest] = parts.slice(next.part);
    parts = first ? [{ ...first, start: next.offset, startsLine: next.startsLine }, ...rest] : [];
  }
}

function noticeKey({ code, file }: Notice): string {
  return `${code} ${file ?? ''}`;
}

interface PageRequest {
  readonly parts: readonly ScanPart[];
  readonly window: NonNullable<LineQuery['window']>;
  readonly deadlineMs: number;
  readonly scannedBytesMax: number;
}

function scanPage(
  { limits, pool, times }: FindingContext,
  { signal }: Call,
  { parts, window, deadlineMs, scannedBytesMax }: PageRequest,
  sink: ReturnType<typeof createPageSink>,
): Promise<ScanOutcome> {
  return runScan(
    {
      parts,
      query: { ...EVERY_LINE, window },
      queryKey: `around ${window.startMs} ${window.endMs}`,
      collecting: {
        kind: 'hits',
        options: {
          hitsMax: PAGE_LINES_MAX + HITS_BEYOND_PAGE,
          charsMax: PAGE_CHARS_MAX,
          contextLines: 0,
          wholeEvents: false,
          window,
          lineBytesMax: limits.maxLineBytes,
        },
      },
      lineBytesMax: limits.maxLineBytes,
      regexTimeoutMs: limits.regexTimeoutMs,
      scannedBytesMax,
      deadlineMs,
      signal,
      times,
    },
    pool,
    sink,
  );
}
