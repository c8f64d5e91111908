/** The lines nearest to an instant, out of any number of them. */

export interface LineNear {
  readonly file: string;
  readonly lineNumber: number;
  readonly epochMs: number;
  readonly content: string;
}

export interface NearestLines {
  add(line: LineNear): void;
  /** The nearest ones, in the order in which they were added. */
  lines(): LineNear[];
  /** How many were added. */
  total(): number;
}

export interface NearestBounds {
  readonly linesMax: number;
  /** The farthest go while the texts have more characters than this; the nearest one stays. */
  readonly charsMax: number;
}

/** Of two that are as near, the one that was added first counts as nearer. */
export function createNearestLines(atMs: number, { linesMax, charsMax }: NearestBounds): NearestLines {
  let kept: { readonly line: LineNear; readonly place: number }[] = [];
  let chars = 0;
  let total = 0;
  const farness = ({ line }: (typeof kept)[number]): number => Math.abs(line.epochMs - atMs);
  const cut = (): void => {
    kept.sort((a, b) => farness(a) - farness(b) || a.place - b.place);
    chars = 0;
    kept = kept.slice(0, linesMax).filter(({ line }, index) => {
      chars += line.content.length;
      return index === 0 || chars <= charsMax;
    });
    chars = kept.reduce((sum, { line }) => sum + line.content.length, 0);
  };
  return {
    add(line) {
      kept.push({ line, place: total });
      total += 1;
      chars += line.content.length;
      // Twice as many before anything is sorted: so a line costs no more than a few comparisons.
      if (kept.length >= linesMax * 2 + 1 || chars > charsMax * 2) cut();
    },
    lines() {
      cut();
      return kept.toSorted((a, b) => a.place - b.place).map(({ line }) => line);
    },
    total: () => total,
  };
}
