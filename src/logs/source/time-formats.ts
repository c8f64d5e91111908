/** How the lines of a file write their times: a few lines are asked first, and all of them where these disagree. */
import { type DetectedTimes, detectTimes } from '../time/detect.ts';
import { createLineReader } from '../time/stamper.ts';
import { HEAD_CHARS } from '../time/times.ts';

/** Enough for what a format's place on the line is told from. */
const FEW_LINES = 12;
/** The lines of stack traces have no time; of a file without any, this share has. */
const READ_SHARE_MIN = 0.98;

/**
 * The same as detectTimes, but for most files, whose lines are all alike, in a tenth of the time: trying every format
 * on every line is what the inspection of many small files consists of.
 */
export function formatsOf(texts: readonly string[], zone: string, timeField: string | null): DetectedTimes {
  if (texts.length <= FEW_LINES || timeField !== null) return detectTimes(texts, { timeField });
  const step = texts.length / FEW_LINES;
  const few = detectTimes(
    Array.from({ length: FEW_LINES }, (_, index) => texts[Math.floor(index * step)] ?? ''),
  );
  const [format, ...others] = few.formats;
  if (format === undefined || others.length > 0 || few.jsonTimeField !== null) return detectTimes(texts);
  const reader = createLineReader({ formats: few.formats, timeField: null, zone });
  const read = texts.filter((text) => reader.read(text.slice(0, HEAD_CHARS)) !== null);
  return read.length >= texts.length * READ_SHARE_MIN ? few : detectTimes(texts);
}
