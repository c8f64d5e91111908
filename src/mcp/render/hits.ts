/** Hits as text for a model: what kinds of lines there are, one of each kind, then the lines. */
import { type LeftOut, type NextCall, type Rendered, type Section, type Shown, withRoom } from '../answer.ts';
import type { InputOf, ReplyOf } from '../tools.ts';
import { kindsOf } from './kinds.ts';
import { commonFolder, counted, noticeLines } from './text.ts';

type SearchReply = ReplyOf<'search'>;
type Hit = SearchReply['hits'][number];

/** Of the room, before patterns are shortened; then all of it, as long as there are patterns left. */
const CLUSTER_SHARE = 0.5;
/** Of what patterns leave. */
const SAMPLE_SHARE = 0.7;

/** What a search gave, with the call that gave it. */
export function renderHits(reply: SearchReply, call: NextCall): Rendered {
  const { hits } = reply;
  const folder = commonFolder(hits.map(({ file }) => file));
  const kinds = kindsOf(
    hits.map((hit) => ({
      ...hit,
      hit,
      epochMs: hit.timestamp === null ? null : Date.parse(hit.timestamp),
      byteOffset: hit.byte_offset,
    })),
  );
  const samples = kinds.map(({ sample }) => sample.hit);
  const others = hits.filter((hit) => !samples.includes(hit));
  const sections: Section[] = [];
  if (kinds.length > 0) {
    sections.push(
      {
        title: 'Kinds of lines (count, pattern):',
        items: kinds.map(({ line }) => line),
        brief: kinds.map(({ brief }) => brief),
        share: CLUSTER_SHARE,
        isWhole: true,
      },
      {
        title: 'The first line of each kind:',
        items: samples.map((hit) => hitText(hit, folder)),
        share: SAMPLE_SHARE,
        isWhole: true,
      },
    );
  }
  const title = kinds.length > 0 ? 'The other lines:' : null;
  sections.push({ title, items: others.map((hit) => hitText(hit, folder)), share: 1 });
  return {
    call,
    head: headOf(reply, folder),
    sections,
    leftOut: (shown, neededTokens) => leftOutOf(reply, call, { shown, neededTokens, kinds: kinds.length }),
  };
}

function headOf(
  { hits, truncated_by, cursor, window, stats, notices }: SearchReply,
  folder: string,
): string[] {
  const count = `${counted(hits.length, 'hit')} on this page`;
  const more =
    cursor === null
      ? ', the last one'
      : truncated_by === null
        ? '; there are more'
        : `; ended by ${truncated_by}`;
  return [
    `${count}${more}. Files looked into: ${stats.files_scanned}.`,
    ...(window ? [`Times from ${window.start ?? 'the beginning'} to ${window.end ?? 'the end'}.`] : []),
    ...(folder === '' ? [] : [`Files below ${folder}. A line: [hit id] file:line time | content`]),
    ...noticeLines(notices),
  ];
}

function hitText(hit: Hit, folder: string): string {
  const place = `[${hit.id}] ${hit.file.slice(folder.length)}:${hit.line_number}`;
  const own = `${place}${hit.timestamp === null ? '' : ` ${hit.timestamp}`} | ${hit.content}`;
  return [
    ...hit.context_before.map((line) => `    ${line}`),
    own,
    ...hit.context_after.map((line) => `    ${line}`),
  ].join('\n');
}

interface Left {
  readonly shown: readonly Shown[];
  readonly neededTokens: number;
  /** 0: there is one section, of lines. */
  readonly kinds: number;
}

function leftOutOf(reply: SearchReply, call: NextCall, { shown, neededTokens, kinds }: Left): LeftOut[] {
  const counts = shown.map(({ from, to }) => to - from);
  const lines = kinds === 0 ? (counts[0] ?? 0) : (counts[1] ?? 0) + (counts[2] ?? 0);
  const missing = reply.hits.length - lines;
  const left: LeftOut[] = [];
  if (kinds > (counts[0] ?? 0) && kinds > 0 && missing > 0)
    left.push({
      text: `${kinds - (counts[0] ?? 0)} kinds and ${counted(missing, 'line')} of this page`,
      call: withRoom(call, neededTokens),
    });
  else if (missing > 0)
    left.push({ text: `${counted(missing, 'line')} of this page`, call: withRoom(call, neededTokens) });
  if (reply.cursor !== null)
    left.push({
      text: 'the hits after this page',
      call: { tool: 'search_continue', args: { cursor: reply.cursor } },
    });
  return left;
}

/** Why there is nothing, in place of hits. */
export function renderExplanation(
  reply: ReplyOf<'explainEmpty'>,
  call: NextCall,
  head: readonly string[] = [],
): Rendered {
  const terms = reply.terms.map(({ kind, term, alone, without, other_case, nearest }) => {
    const near = nearest.map(({ text, count }) => `${text} (${count})`).join(', ');
    return `${kind} ${JSON.stringify(term)}: ${alone} lines have it, ${without} hits without it, ${other_case} in another case${near ? `; near: ${near}` : ''}`;
  });
  const { window } = reply;
  const times = window
    ? [
        `Window ${window.start ?? 'open'} to ${window.end ?? 'open'}: ${window.hits_outside} hits outside of it, nearest before ${window.nearest_before ?? 'none'}, after ${window.nearest_after ?? 'none'}; events go from ${window.first_event ?? 'unknown'} to ${window.last_event ?? 'unknown'}.`,
      ]
    : [];
  return {
    call,
    head: [
      ...head,
      `${counted(reply.hits, 'hit')} in ${counted(reply.files, 'file')} (${reply.files_excluded} left out by globs, ${reply.files_without_time} without times)${reply.complete ? '' : '; not everything was looked at'}.`,
      ...times,
    ],
    sections: [
      { title: 'What to change, the most likely first:', items: reply.reasons, share: 0.6 },
      { title: 'Terms:', items: terms, share: 1 },
    ],
    leftOut: (shown, neededTokens) => {
      const missing =
        reply.reasons.length + terms.length - shown.reduce((sum, { from, to }) => sum + to - from, 0);
      return missing > 0 ? [{ text: `${missing} of these`, call: withRoom(call, neededTokens) }] : [];
    },
  };
}

/** The arguments of a search that say what is looked for: what explain_empty takes. */
export function queryOf(input: InputOf<'search'>): InputOf<'explainEmpty'> {
  const {
    page_size: _,
    max_hits: _max,
    context_lines: _lines,
    whole_events: _events,
    keep: _keep,
    follow: _follow,
    ...query
  } = input;
  return query;
}
