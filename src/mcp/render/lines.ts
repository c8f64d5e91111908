/** Lines of a file, and a regular expression tried on some, as text for a model. */
import { type NextCall, type Rendered, withRoom } from '../answer.ts';
import type { InputOf, ReplyOf } from '../tools.ts';
import { plain } from './sessions.ts';
import { oneLine } from './text.ts';

/** Lines that a next call asks for. */
const MORE = 40;
const ERROR_CHARS_MAX = 500;

export function renderLines(
  reply: ReplyOf<'readLines'>,
  call: NextCall,
  input: InputOf<'readLines'>,
): Rendered {
  const { file, first_line: first, lines } = reply;
  if (lines.length === 0) return plain(`${file} has no line ${input.line_number}.`);
  const last = first + lines.length - 1;
  return {
    call,
    head: [`${file}, lines ${first} to ${last}:`],
    sections: [
      {
        title: null,
        items: lines.map(
          (line, index) => `${first + index}${first + index === input.line_number ? ':' : '-'} ${line}`,
        ),
        share: 1,
        middle: Math.max(0, Math.min(lines.length - 1, input.line_number - first)),
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = lines.length - (shown.to - shown.from);
      // From the outermost line on, which is there for certain.
      const from = (line: number, around: { before: number; after: number }): NextCall => {
        const { byte_offset: _, ...args } = call.args;
        return { ...call, args: { ...args, line_number: line, ...around } };
      };
      return [
        ...(missing > 0 ? [{ text: `${missing} of these lines`, call: withRoom(call, neededTokens) }] : []),
        ...(reply.more_before
          ? [{ text: 'the lines before', call: from(first, { before: MORE, after: 0 }) }]
          : []),
        ...(reply.more_after
          ? [{ text: 'the lines after', call: from(last, { before: 0, after: MORE }) }]
          : []),
      ];
    },
  };
}

export function renderRegex(
  reply: ReplyOf<'validateRegex'>,
  call: NextCall,
  { samples = [] }: InputOf<'validateRegex'>,
): Rendered {
  if (!reply.valid)
    return plain(
      `Not valid: ${oneLine(reply.error ?? '', ERROR_CHARS_MAX)}. The syntax is RE2: no look-around, no backreferences.`,
    );
  const matched = reply.results.filter((result) => result.matched).length;
  const groups = reply.groups.length > 0 ? ` Groups: ${reply.groups.join(', ')}.` : '';
  return {
    call,
    head: [`Valid.${groups} ${matched} of ${reply.results.length} samples match.`],
    sections: [
      {
        title: null,
        items: reply.results.map(({ matched: isMatch, match, groups: found }, index) =>
          isMatch
            ? `${index}: match ${JSON.stringify(match)} ${Object.keys(found).length > 0 ? JSON.stringify(found) : ''}`.trimEnd()
            : `${index}: no match in ${JSON.stringify(samples[index] ?? '')}`,
        ),
        share: 1,
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = reply.results.length - (shown.to - shown.from);
      return missing > 0 ? [{ text: `${missing} samples`, call: withRoom(call, neededTokens) }] : [];
    },
  };
}

export function renderAround(reply: ReplyOf<'aroundCrash'>, call: NextCall): Rendered {
  const { crash, lines, total, at, session_id: sessionId } = reply;
  const middle = lines.reduce(
    (best, { offset_ms }, index) =>
      Math.abs(offset_ms) < Math.abs(lines[best]?.offset_ms ?? Number.POSITIVE_INFINITY) ? index : best,
    0,
  );
  const about = [crash.exe_name, crash.exe_version, crash.exception_code, crash.signature];
  return {
    call,
    head: [
      `Crash ${crash.minidump_id} at ${at}: ${about.filter((part) => part !== null).join(' ') || 'nothing more is known'}.`,
      `${lines.length} of ${total} log lines of that time; session_id: ${sessionId}. Milliseconds after the crash, file:line | content`,
    ],
    sections: [
      {
        title: null,
        items: lines.map(
          ({ offset_ms, file, line_number, content }) =>
            `${offset_ms >= 0 ? '+' : ''}${offset_ms} ${file}:${line_number} | ${content}`,
        ),
        share: 1,
        middle,
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = lines.length - (shown.to - shown.from);
      return [
        ...(missing > 0
          ? [{ text: `${missing} lines farther from the crash`, call: withRoom(call, neededTokens) }]
          : []),
        ...(total > lines.length
          ? [
              {
                text: `${total - lines.length} lines still farther`,
                call: { ...call, args: { ...call.args, limit: Math.min(10_000, total) } },
              },
            ]
          : []),
      ];
    },
  };
}
