/** What is counted instead of listed, as text for a model: hits of files, statistics, patterns. */
import { type LeftOut, type NextCall, type Rendered, withRoom } from '../answer.ts';
import type { ReplyOf } from '../tools.ts';
import { commonFolder, counted, noticeLines, oneLine } from './text.ts';

const TEMPLATE_CHARS_MAX = 400;

type Template = ReplyOf<'patterns'>['patterns'][number];

export function renderCounts(reply: ReplyOf<'countHits'>, call: NextCall): Rendered {
  const { files, total } = reply;
  const folder = commonFolder(files.map(({ file }) => file));
  return {
    call,
    head: [
      `${counted(total, 'hit')} in ${counted(files.length, 'file')}${folder === '' ? '' : ` below ${folder}`}.`,
      ...ended(reply),
    ],
    sections: [
      {
        title: null,
        items: files
          .toSorted((a, b) => b.hits - a.hits)
          .map(({ file, hits }) => `${hits} ${file.slice(folder.length)}`),
        share: 1,
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) =>
      missing(files.length, [shown], 'files', call, neededTokens),
  };
}

export function renderStats(reply: ReplyOf<'logStats'>, call: NextCall): Rendered {
  const buckets = reply.histogram.filter(({ count }) => count > 0);
  const levels = reply.levels.map(({ level, count }) => `${level ?? 'none'} ${count}`).join(', ');
  return {
    call,
    head: [
      `${counted(reply.lines, 'line')}, ${reply.bytes} bytes, ${counted(reply.files, 'file')}, ${reply.without_time} lines without a time.`,
      `Events from ${reply.first_event ?? 'unknown'} to ${reply.last_event ?? 'unknown'}. Levels: ${levels || 'none'}.`,
      ...ended(reply),
    ],
    sections: [
      { title: 'Most frequent patterns:', items: templateTexts(reply.patterns), share: 0.5 },
      {
        title: `Lines in each ${reply.bucket_ms} ms that have any (start, lines, errors):`,
        items: buckets.map(({ start, count, errors }) => `${start} ${count} ${errors}`),
        share: 1,
      },
    ],
    leftOut: (shown, neededTokens) => {
      const all = reply.patterns.length + buckets.length;
      const left = missing(all, shown, 'patterns and intervals', call, neededTokens);
      if (left.length === 0) return left;
      const coarse = { ...call.args, buckets: 20, top: 5 };
      return [...left, { text: 'the same in fewer intervals', call: { ...call, args: coarse } }];
    },
  };
}

export function renderPatterns(reply: ReplyOf<'patterns'>, call: NextCall): Rendered {
  const { patterns, total, lines, unlisted_lines: unlisted } = reply;
  return {
    call,
    head: [
      `${counted(total, 'pattern')} in ${counted(lines, 'line')}; variable parts are <*>.`,
      ...ended(reply),
    ],
    sections: [
      { title: 'Count, level, first..last seen, pattern:', items: templateTexts(patterns), share: 1 },
    ],
    leftOut: (shown, neededTokens) => [
      ...missing(patterns.length, shown, 'patterns', call, neededTokens),
      ...(total > patterns.length
        ? [
            {
              text: `${total - patterns.length} more patterns of ${unlisted} lines`,
              call: { ...call, args: { ...call.args, limit: Math.min(10_000, total) } },
            },
          ]
        : []),
    ],
  };
}

function templateTexts(templates: readonly Template[]): string[] {
  const folder = commonFolder(templates.map(({ sample_file }) => sample_file));
  return templates.map(({ count, level, first_seen, last_seen, template, sample_file, sample_line }) => {
    const times = first_seen === null ? '' : ` ${first_seen}..${last_seen ?? ''}`;
    const place = `${sample_file.slice(folder.length)}:${sample_line}`;
    return `${count}x ${level ?? '-'}${times} ${oneLine(template, TEMPLATE_CHARS_MAX)} (first at ${place})`;
  });
}

interface Counted {
  readonly complete: boolean;
  readonly truncated_by: string | null;
  readonly notices: readonly { readonly file: string | null; readonly message: string }[];
}

function ended({ complete, truncated_by: limit, notices }: Counted): string[] {
  const partial = `Not complete: ${limit ?? 'a limit'} ended it. A narrower window or include_globs make it whole.`;
  return [...(complete ? [] : [partial]), ...noticeLines(notices)];
}

function missing(
  all: number,
  shown: readonly { readonly from: number; readonly to: number }[],
  what: string,
  call: NextCall,
  neededTokens: number,
): LeftOut[] {
  const count = all - shown.reduce((sum, { from, to }) => sum + to - from, 0);
  return count > 0 ? [{ text: `${count} ${what}`, call: withRoom(call, neededTokens) }] : [];
}
