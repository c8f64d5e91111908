/** Sessions and their files as text for a model. */
import { type NextCall, type Rendered, withRoom } from '../answer.ts';
import type { ReplyOf } from '../tools.ts';
import { commonFolder, counted, noticeLines, oneLine, tally } from './text.ts';

interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly encoding: string;
  readonly timestamp_format: string | null;
  readonly compression: string;
  readonly family_id: string | null;
}

type InspectedFile = ReplyOf<'inspectFormats'>['files'][number];

const HINT_CHARS_MAX = 200;

/** An answer of a few lines, of which nothing can be left out. */
export function plain(...head: readonly string[]): Rendered {
  return { call: null, head, sections: [], leftOut: () => [] };
}

export function renderAdded(reply: ReplyOf<'addDirectory'>, call: NextCall): Rendered {
  return renderFiles(reply.files, call, noticeLines(reply.notices));
}

export function renderOpened(reply: ReplyOf<'openDirectory'>, call: NextCall): Rendered {
  const head = [
    `session_id: ${reply.session_id}${reply.created ? ' (new)' : ''}`,
    ...(reply.files.length === 0 ? [`${counted(reply.file_count, 'file')}, ${reply.size} bytes.`] : []),
    ...noticeLines(reply.notices),
  ];
  return reply.files.length === 0 ? plain(...head) : renderFiles(reply.files, call, head);
}

export function renderFormats({ files }: ReplyOf<'inspectFormats'>, call: NextCall): Rendered {
  return renderFiles(files, call, [], (file) => inspectedText(file));
}

function renderFiles<File extends ListedFile>(
  files: readonly File[],
  call: NextCall,
  before: readonly string[],
  more: (file: File) => string = () => '',
): Rendered {
  if (files.length === 0) return plain(...before, 'No log files there.');
  const folder = commonFolder(files.map(({ path }) => path));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const packed = files.filter(({ compression }) => compression !== 'none').length;
  const families = new Set(files.flatMap(({ family_id }) => family_id ?? []));
  return {
    call,
    head: [
      ...before,
      `${counted(files.length, 'file')}, ${size} bytes${folder === '' ? '' : `, below ${folder}`}. Packed: ${packed}. Rotated families: ${families.size}.`,
      `Encodings: ${tally(files.map(({ encoding }) => encoding))}. Times: ${tally(files.map(({ timestamp_format }) => timestamp_format ?? 'none'))}.`,
    ],
    sections: [
      {
        title: 'path, bytes, encoding, time format:',
        items: files.map((file) => {
          const kind = [
            file.encoding,
            file.timestamp_format ?? 'no times',
            file.compression === 'none' ? '' : file.compression,
          ];
          return `${file.path.slice(folder.length)} ${file.size} ${kind.filter(Boolean).join(' ')}${more(file)}`;
        }),
        share: 1,
      },
    ],
    leftOut: ([files_ = { from: 0, to: 0 }], neededTokens) => {
      const missing = files.length - (files_.to - files_.from);
      return missing > 0 ? [{ text: `${missing} files`, call: withRoom(call, neededTokens) }] : [];
    },
  };
}

function inspectedText(file: InspectedFile): string {
  const facts = [
    file.mode === 'json'
      ? `JSON lines, time in ${file.json_time_field ?? 'no field'} (${file.json_time_field_confidence})`
      : '',
    file.zone_source === null ? '' : `zone from ${file.zone_source}`,
    file.first_event === null ? '' : `first event ${file.first_event}`,
    file.family_id === null ? '' : `place ${file.sequence} in family ${file.family_id}`,
    file.needs_convert ? 'converted when read' : '',
    file.timestamp_examples.length === 0 ? '' : `as ${JSON.stringify(file.timestamp_examples[0])}`,
  ];
  return `; ${facts.filter(Boolean).join('; ')}`;
}

export function renderSessions({ sessions, total }: ReplyOf<'listSessions'>, call: NextCall): Rendered {
  if (sessions.length === 0) return plain('No sessions. start_session starts one.');
  return {
    call,
    head: [`${sessions.length} of ${total} sessions, those used last first:`],
    sections: [
      {
        title: null,
        items: sessions.map((session) => {
          const about = session.hint ?? session.directory ?? '';
          return `${session.session_id} used ${session.used_at}, ${session.files} files, ${session.searches} searches, ${session.hits} hits, ${session.facts} facts, ${session.memories} conclusions; ${oneLine(about, HINT_CHARS_MAX)}`;
        }),
        share: 1,
      },
    ],
    leftOut: ([shown = { from: 0, to: 0 }], neededTokens) => {
      const missing = sessions.length - (shown.to - shown.from);
      return [
        ...(missing > 0 ? [{ text: `${missing} sessions`, call: withRoom(call, neededTokens) }] : []),
        ...(total > sessions.length
          ? [
              {
                text: `${total - sessions.length} older sessions`,
                call: withRoom(
                  { ...call, args: { ...call.args, limit: Math.min(1000, total) } },
                  Math.max(neededTokens, 4000),
                ),
              },
            ]
          : []),
      ];
    },
  };
}
