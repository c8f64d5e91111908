/** Sorts lines into kinds: what a model reads in place of many lines that say the same. */
import { createPatternMiner } from '../../logs/patterns/miner.ts';
import { oneLine } from './text.ts';

/** So many lines are read faster than sorted into kinds. */
const LINES_MIN = 8;
const PATTERNS_MAX = 200;
const TEMPLATE_CHARS_MAX = 300;

interface PlacedLine {
  readonly file: string;
  readonly line_number: number;
  readonly byteOffset: number;
  readonly epochMs: number | null;
  readonly content: string;
}

export interface Kind<Line> {
  /** Count, level, from when to when, the pattern. */
  readonly line: string;
  /** Count, level and the pattern. */
  readonly brief: string;
  /** The first of them. */
  readonly sample: Line;
}

/** The most frequent first; none where there are too few lines to be sorted. */
export function kindsOf<Line extends PlacedLine>(lines: readonly Line[]): Kind<Line>[] {
  if (lines.length < LINES_MIN) return [];
  const miner = createPatternMiner({ patternsMax: PATTERNS_MAX });
  const byPlace = new Map<string, Line>();
  for (const line of lines) {
    const { file, line_number: lineNumber, byteOffset, epochMs, content } = line;
    byPlace.set(`${lineNumber}:${file}`, line);
    miner.add(content.split('\n', 1)[0] ?? '', { epochMs, file, lineNumber, byteOffset });
  }
  return miner.patterns().flatMap((pattern) => {
    const sample = byPlace.get(`${pattern.sample_line}:${pattern.sample_file}`);
    if (!sample) return [];
    const level = pattern.level === null ? '' : ` ${pattern.level}`;
    const times = pattern.first_ms === null ? '' : ` ${span(pattern.first_ms, pattern.last_ms)}`;
    const count = `${pattern.count}x${level}`;
    const template = oneLine(pattern.template, TEMPLATE_CHARS_MAX);
    // Signs for what varies at its beginning, times above all, say nothing where there is little room.
    const brief = `${count} ${template.replace(/^(?:<\*>|[^\p{L}])+/u, '') || template}`;
    return [{ line: `${count}${times} ${template}`, brief, sample }];
  });
}

function span(firstMs: number, lastMs: number | null): string {
  const first = new Date(firstMs).toISOString();
  return lastMs === null || lastMs === firstMs ? first : `${first}..${new Date(lastMs).toISOString()}`;
}
