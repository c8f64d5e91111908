/** Facts, timelines and reports as text for a model. */
import { type NextCall, type Rendered, withRoom } from '../answer.ts';
import type { InputOf, ReplyOf } from '../tools.ts';
import { kindsOf } from './kinds.ts';
import { plain } from './sessions.ts';
import { commonFolder, tally } from './text.ts';

/** Of a timeline too long to be shown. */
const KINDS_SHARE = 0.4;

type Fact = ReplyOf<'extractFacts'>['facts'][number];
type Event = ReplyOf<'timeline'>['events'][number];

export function renderFacts({ facts }: ReplyOf<'extractFacts'>, call: NextCall): Rendered {
  if (facts.length === 0)
    return plain('No facts in the hits of this session. Search for more lines first, or with other rules.');
  const kinds = new Map<string, { text: string; hits: string[] }>();
  for (const { rule_name, fields, source_hit_id } of facts) {
    const text = `${rule_name} ${fieldsText(fields)}`;
    const kind = kinds.get(text) ?? { text, hits: [] };
    kind.hits.push(source_hit_id);
    kinds.set(text, kind);
  }
  const grouped = [...kinds.values()].toSorted((a, b) => b.hits.length - a.hits.length);
  return {
    call,
    head: [`${facts.length} facts: ${tally(facts.map(({ rule_name }) => rule_name))}.`],
    sections: [
      {
        title: 'How often, rule, fields, the first hit:',
        items: grouped.map(({ text, hits }) => `${hits.length}x ${text} [${hits[0] ?? ''}]`),
        share: 1,
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = grouped.length - (shown.to - shown.from);
      return missing > 0 ? [{ text: `${missing} kinds of facts`, call: withRoom(call, neededTokens) }] : [];
    },
  };
}

function fieldsText(fields: Fact['fields']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ');
}

export function renderTimeline(reply: ReplyOf<'timeline'>, call: NextCall): Rendered {
  const { events, total, without_time: withoutTime } = reply;
  if (events.length === 0)
    return plain(
      `Nothing on the timeline; ${withoutTime} hits without a time. Only what search found is on it.`,
    );
  const folder = commonFolder(events.filter(({ crash }) => crash === null).map(({ file }) => file));
  const lines = events.filter(({ crash }) => crash === null);
  const kinds = kindsOf(lines.map((event) => ({ ...event, epochMs: event.timestamp, byteOffset: 0 })));
  const crashes = events.filter(({ crash }) => crash !== null).length;
  const span = `${events[0]?.timestamp_rfc3339} to ${events.at(-1)?.timestamp_rfc3339}`;
  return {
    call,
    head: [
      `${events.length} of ${total} events, ${span}; ${crashes} crashes; ${withoutTime} hits without a time.`,
      `By file: ${tally(events.map(({ file }) => file.slice(folder.length)))}.`,
      ...(folder === '' ? [] : [`Files below ${folder}. A line: time file:line | content [facts]`]),
    ],
    sections: [
      {
        title: 'Kinds of lines (count, pattern):',
        items: kinds.map(({ line }) => line),
        brief: kinds.map(({ brief }) => brief),
        share: KINDS_SHARE,
        isWhole: true,
      },
      { title: 'In the order of time:', items: events.map((event) => eventText(event, folder)), share: 1 },
    ],
    leftOut: ([, shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = events.length - (shown.to - shown.from);
      return [
        ...(missing > 0 ? [{ text: `${missing} later events`, call: withRoom(call, neededTokens) }] : []),
        ...(total > events.length
          ? [
              {
                text: `${total - events.length} events after these`,
                call: { ...call, args: { ...call.args, limit: Math.min(100_000, total) } },
              },
            ]
          : []),
      ];
    },
  };
}

function eventText(
  { timestamp_rfc3339, file, line_number, content, facts, crash }: Event,
  folder: string,
): string {
  const place = crash ? `CRASH ${crash.minidump_id}` : `${file.slice(folder.length)}:${line_number}`;
  const known = facts.map(({ rule_name, fields }) => ` [${rule_name} ${fieldsText(fields)}]`);
  return `${timestamp_rfc3339} ${place} | ${content}${known.join('')}`;
}

export function renderReport(reply: ReplyOf<'report'>, call: NextCall, input: InputOf<'report'>): Rendered {
  const text = reply.format === 'markdown' ? (reply.report ?? '') : JSON.stringify(reply, null, 1);
  const lines = text.split('\n');
  const blocks = reply.format === 'markdown' ? blocksOf(lines) : lines;
  return {
    call,
    head: [],
    sections: [{ title: null, items: blocks, share: 1 }],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const given = blocks
        .slice(shown.from, shown.to)
        .reduce((sum, block) => sum + block.split('\n').length, 0);
      const missing = lines.length - given;
      if (missing === 0) return [];
      const left = [
        {
          text: `the last ${missing} of ${lines.length} lines of the report`,
          call: withRoom(call, neededTokens),
        },
      ];
      if (input.include_snippets === false) return left;
      return [
        ...left,
        { text: 'a shorter report', call: { ...call, args: { ...call.args, include_snippets: false } } },
      ];
    },
  };
}

const TABLE_RULE = /^\|[\s|:-]+\|\s*$/;

/** Lines of Markdown, those together that say nothing alone: headings and heads of tables with what they are about. */
function blocksOf(lines: readonly string[]): string[] {
  const blocks: string[] = [];
  let pending: string[] = [];
  for (const [index, line] of lines.entries()) {
    pending.push(line);
    const isHead = TABLE_RULE.test(lines[index + 1] ?? '') || TABLE_RULE.test(line);
    if (isHead || line === '' || /^#{1,6} /.test(line)) continue;
    blocks.push(pending.join('\n'));
    pending = [];
  }
  if (pending.length > 0) blocks.push(pending.join('\n'));
  return blocks;
}
