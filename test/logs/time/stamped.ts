/** Lines read as a file's lines are: detected first, then stamped. */
import { anchorsOf, needsAnchors } from '../../../src/logs/time/anchors.ts';
import { detectTimes } from '../../../src/logs/time/detect.ts';
import { formatInstant } from '../../../src/logs/time/instants.ts';
import { createStamper } from '../../../src/logs/time/stamper.ts';
import type { FileTimes, SampleLine, Stamp } from '../../../src/logs/time/times.ts';

/** What is said of a file in a test; every date in here is invented. */
export interface FileGiven {
  readonly zone?: string;
  readonly mtime?: string;
  readonly path?: string;
  readonly timeField?: string | null;
}

/** Lines with the offsets that they have in a file of LF line ends. */
export function samplesOf(lines: readonly string[]): SampleLine[] {
  let offset = 0;
  return lines.map((text) => {
    const sample = { offset, text };
    offset += Buffer.byteLength(text) + 1;
    return sample;
  });
}

/** What is found out about a file of these lines. */
export function timesOf(lines: readonly string[], given: FileGiven = {}): FileTimes {
  const zone = given.zone ?? 'UTC';
  const detected = detectTimes(lines, { timeField: given.timeField ?? null });
  const context = {
    mtimeMs: Date.parse(given.mtime ?? '2024-01-01T00:00:00Z'),
    path: given.path ?? 'app.log',
    zone,
    timeField: detected.jsonTimeField,
  };
  const anchors = needsAnchors(detected.formats)
    ? anchorsOf(detected.formats, samplesOf(lines), context)
    : [];
  return { formats: detected.formats, zone, anchors, timeField: detected.jsonTimeField };
}

/** The stamps of all lines of a file; null for a line without one. */
export function stampsOf(lines: readonly string[], given: FileGiven = {}): (Stamp | null)[] {
  const stamper = createStamper(timesOf(lines, given));
  return samplesOf(lines).map(({ text, offset }) => stamper.stamp(text, offset));
}

/** The same as texts of RFC 3339. */
export function instantsOf(lines: readonly string[], given: FileGiven = {}): (string | null)[] {
  return stampsOf(lines, given).map((stamp) =>
    stamp === null ? null : formatInstant(stamp.epochMs, stamp.subMsNs),
  );
}
