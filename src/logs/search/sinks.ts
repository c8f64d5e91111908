/** What takes the results of a scan: the hits of one page, or counts. */
import type { RawHit } from './hits.ts';
import type { Overview } from './overview.ts';
import type { ScanSink } from './scan.ts';

export interface PageHit extends RawHit {
  readonly part: number;
  /** Line ends from the part's start to the line. */
  readonly lines: number;
}

export interface PageOptions {
  readonly hitsMax: number;
  readonly charsMax: number;
  /** The event that was given last, by where it begins: a page before this one may have ended within it. */
  readonly lastGiven: { readonly part: number; readonly offset: number } | null;
}

/** More than a page needs: one to know that there is more, and one that may have been given before. */
export const HITS_BEYOND_PAGE = 2;

/** Takes the hits of one page. */
export function createPageSink({
  hitsMax,
  charsMax,
  lastGiven,
}: PageOptions): ScanSink & { readonly hits: PageHit[] } {
  const hits: PageHit[] = [];
  let chars = 0;
  let last = lastGiven;
  return {
    hits,
    take({ part }, result, linesBefore) {
      for (const hit of result.hits) {
        if (last?.part === part && last.offset === hit.offset) continue;
        const lines = linesBefore + hit.lineIndex;
        if (hits.length >= hitsMax || (hits.length > 0 && chars >= charsMax)) {
          return { part, offset: hit.offset, startsLine: true, lines };
        }
        hits.push({ ...hit, part, lines });
        chars += charsOf(hit);
        last = { part, offset: hit.offset };
      }
      // Whatever follows the last hit was not looked at.
      if (!result.resume) return null;
      const { offset, startsLine, lineIndex } = result.resume;
      return { part, offset, startsLine, lines: linesBefore + lineIndex };
    },
  };
}

export function charsOf({ content, before, after }: RawHit): number {
  return [content, ...before, ...after].reduce((chars, line) => chars + line.length, 0);
}

/** Counts the hits of each part, and puts overviews together. */
export function createCountSink(
  each: (part: number, count: number, overview: Overview | null) => void,
): ScanSink {
  return {
    take({ part }, { count, overview }) {
      each(part, count, overview);
      return null;
    },
  };
}
