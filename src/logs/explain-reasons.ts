/** What the counts of a search that finds nothing mean, in words. */
import type { Handlers } from '../operation.ts';
import type { QueryInput } from './finding.ts';
import type { logOperations } from './operations.ts';

export type TermKind = 'must' | 'any' | 'none' | 'regex' | 'json';

export interface ExplainedTerm {
  readonly kind: TermKind;
  readonly term: string;
  readonly alone: number;
  readonly without: number;
  readonly other_case: number;
  readonly nearest: { readonly text: string; readonly count: number }[];
}

type ExplainEmpty = Handlers<typeof logOperations>['explainEmpty'];
type Explained = Omit<Awaited<ReturnType<ExplainEmpty>>, 'reasons' | 'complete'>;

/** In words, what most likely is to be changed first. */
export function reasonsOf(facts: Explained, input: QueryInput): string[] {
  const { files, files_excluded, files_without_time, hits, terms, window } = facts;
  if (hits > 0) return [hits === 1 ? 'The search finds 1 line.' : `The search finds ${hits} lines.`];
  if (files === 0) {
    return files_excluded > 0
      ? [`include_globs and exclude_globs leave none of ${files_excluded} files.`]
      : ['There are no log files to search: the directory has none, or none was added.'];
  }
  const missing = terms.filter(({ kind, alone }) => kind !== 'none' && alone === 0).map(missingReason);
  const killing = terms.filter(({ alone, without }) => alone > 0 && without > 0).map(killingReason);
  const reasons = [
    ...missing,
    ...(window ? windowReasons(window, files_without_time, files) : []),
    ...killing,
  ];
  if (files_excluded > 0) reasons.push(`${files_excluded} files are left out by the globs.`);
  if (input.whole_word) reasons.push('whole_word is on: parts of words do not count.');
  const together =
    'Every term is somewhere, but never on the same line: try them one by one, or whole_events.';
  return reasons.length > 0 ? reasons : [terms.length > 1 ? together : 'No line is a hit.'];
}

function missingReason({ kind, term, other_case, nearest }: ExplainedTerm): string {
  const base = `"${term}" (${kind}) is on no line`;
  if (other_case > 0)
    return `${base} in this case; ${other_case} lines have it in another: set case_sensitive to false.`;
  if (nearest.length === 0) return `${base}.`;
  return `${base}; near it: ${nearest.map(({ text, count }) => `"${text}" (${count})`).join(', ')}.`;
}

function killingReason({ kind, term, without }: ExplainedTerm): string {
  return kind === 'none'
    ? `Without none "${term}" there are ${without} hits.`
    : `Without "${term}" (${kind}) there are ${without} hits.`;
}

function windowReasons(
  window: NonNullable<Explained['window']>,
  withoutTime: number,
  files: number,
): string[] {
  const reasons: string[] = [];
  if (window.hits_outside > 0) {
    const near = [
      window.nearest_before === null ? [] : [`the last before it at ${window.nearest_before}`],
      window.nearest_after === null ? [] : [`the first after it at ${window.nearest_after}`],
    ].flat();
    reasons.push(
      `${window.hits_outside} hits lie outside the time window${near.length > 0 ? `, ${near.join(', ')}` : ''}.`,
    );
  }
  if (withoutTime > 0)
    reasons.push(`${withoutTime} of ${files} files have no times, so that no window finds them.`);
  if (window.first_event !== null && window.last_event !== null)
    reasons.push(`The files have events from ${window.first_event} to ${window.last_event}.`);
  return reasons;
}
