/** The lines of a file around one of them. */
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { deadlineOf, type FindingContext, type ScanSlots } from './finding.ts';
import type { logOperations } from './operations.ts';
import type { ScanPart } from './search/plan.ts';
import { EVERY_LINE } from './search/query.ts';
import { runScan, type ScanOutcome, type ScanRequest } from './search/scan.ts';
import { createPageSink, type PageHit } from './search/sinks.ts';
import { withSlashes } from './source/globs.ts';
import type { LogFile } from './source/log-file.ts';

type ReadingLines = Pick<Handlers<typeof logOperations>, 'readLines'>;

const FEWER_LINES = 'the file has fewer lines';

/** From where to look for a line: it is the one after so many others. */
interface LinePlace {
  readonly part: ScanPart;
  readonly linesToPass: number;
}

interface Around {
  readonly before: number;
  readonly after: number;
}

export function createReadingLines(context: FindingContext, slots: ScanSlots): ReadingLines {
  return {
    async readLines({ session_id, file: name, line_number, byte_offset, before, after }, call) {
      const { files } = await context.view(session_id, call);
      const file = fileNamed(name, files);
      if (!file) throw new ChsError('FILE_DENIED', { path: name, reason: 'it is not one of the session' });
      const hit = await slots.run(async () => {
        // A place that is named is one only if a line begins there.
        const place =
          byte_offset === undefined
            ? await placeOfLine(context, call, file, line_number)
            : { part: partFrom(file, byte_offset, byte_offset === 0), linesToPass: 0 };
        return lineAt(context, call, place, { before, after: after + 1 });
      });
      if (byte_offset !== undefined && hit?.offset !== Math.max(byte_offset, file.bomBytes))
        throw new ChsError('INVALID_INPUT', { field: 'byte_offset', reason: 'no line begins there' });
      if (!hit) throw new ChsError('INVALID_INPUT', { field: 'line_number', reason: FEWER_LINES });
      const redaction = await context.redaction();
      return {
        file: file.path,
        first_line: line_number - hit.before.length,
        lines: redaction.lines([...hit.before, hit.content, ...hit.after.slice(0, after)]),
        more_before: line_number - hit.before.length > 1,
        more_after: hit.after.length > after,
      };
    },
  };
}

/** By its whole path, or by its name or the last parts of its path. */
function fileNamed(name: string, files: readonly LogFile[]): LogFile | undefined {
  const slashed = withSlashes(name);
  return (
    files.find(({ path }) => withSlashes(path) === slashed) ??
    files.find(({ path }) => withSlashes(path).endsWith(`/${slashed}`))
  );
}

function partFrom(file: LogFile, start: number, startsLine: boolean): ScanPart {
  return { file, start, startsLine, fileEnd: file.sizeBytes };
}

/**
 * Counts line ends up to the segment with the line.
 *
 * @throws ChsError INVALID_INPUT where there are not so many, IO_ERROR, SEARCH_TIMEOUT
 */
async function placeOfLine(
  context: FindingContext,
  call: Call,
  file: LogFile,
  lineNumber: number,
): Promise<LinePlace> {
  const found: LinePlace[] = [];
  let lines = 0;
  const request = requestOf(context, call, partFrom(file, 0, true), { kind: 'lines' });
  const outcome = await runScan(request, context.pool, {
    take(segment, result, linesBefore) {
      lines = linesBefore + (result.outcome?.lines ?? 0);
      if (lines < lineNumber - 1) return null;
      // A packed file has one segment; a line after the last line end begins where it ends.
      found.push({
        part: partFrom(file, segment.start, segment.start === 0),
        linesToPass: lineNumber - 1 - linesBefore,
      });
      return { part: 0, offset: segment.start, startsLine: true, lines: linesBefore };
    },
  });
  const [place] = found;
  if (place) return place;
  refuseFailed(outcome, file);
  const reason = `${FEWER_LINES}: about ${lines + 1}`;
  throw new ChsError('INVALID_INPUT', { field: 'line_number', reason });
}

/** @throws ChsError IO_ERROR for what could not be read, SEARCH_TIMEOUT */
function refuseFailed({ notices, why }: ScanOutcome, { path }: LogFile): void {
  const [notice] = notices;
  if (notice) throw new ChsError('IO_ERROR', { path, reason: notice.message });
  if (why === 'hard_timeout_ms') throw new ChsError('SEARCH_TIMEOUT');
}

async function lineAt(
  context: FindingContext,
  call: Call,
  { part, linesToPass }: LinePlace,
  { before, after }: Around,
): Promise<PageHit | null> {
  const sink = createPageSink({ hitsMax: 1, charsMax: Number.POSITIVE_INFINITY, lastGiven: null });
  const options = {
    hitsMax: 1,
    charsMax: Number.POSITIVE_INFINITY,
    contextLines: Math.max(before, after),
    wholeEvents: false,
    window: null,
    lineBytesMax: context.limits.maxLineBytes,
    linesToPass,
  };
  const request = requestOf(context, call, part, { kind: 'hits', options });
  const outcome = await runScan(request, context.pool, sink);
  const [hit] = sink.hits;
  if (!hit) refuseFailed(outcome, part.file);
  if (!hit) return null;
  return { ...hit, before: before === 0 ? [] : hit.before.slice(-before), after: hit.after.slice(0, after) };
}

function requestOf(
  { limits }: FindingContext,
  { signal }: Call,
  part: ScanPart,
  collecting: ScanRequest['collecting'],
): ScanRequest {
  return {
    parts: [part],
    query: EVERY_LINE,
    queryKey: 'every line',
    collecting,
    lineBytesMax: limits.maxLineBytes,
    regexTimeoutMs: limits.regexTimeoutMs,
    scannedBytesMax: Number.MAX_SAFE_INTEGER,
    deadlineMs: deadlineOf(undefined, limits),
    signal,
    times: null,
  };
}
