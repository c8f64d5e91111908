/** What is said of each file of a batch. */
import { inputKeys } from '../../src/operation.ts';
import { ChsError, type ErrorCode } from '../../src/platform/errors.ts';
import type { Language } from '../../src/platform/messages.ts';
import { longFlag } from '../flags.ts';
import type { Run } from '../run.ts';
import { datum } from '../views/facts.ts';
import type { Sent, UploadKind, UploadReply } from './kinds.ts';

/** Prints what became of one upload; `lines` false leaves out the line of data, for a summary in its place. */
/** What is printed of an upload that was done. */
interface Told {
  /** Its line is printed at all: not where standard output is for something else. */
  readonly lines: boolean;
  /** With the file's name: of several, the ID alone does not tell which one it is. */
  readonly named: boolean;
}

export function report({ out }: Pick<Run, 'out'>, path: string, { id, reply }: Sent, told: Told): void {
  if (out.json) {
    out.value(reply);
  } else if (told.lines) {
    const { style, columns } = out;
    const paint = reply.state === 'verified' ? style.green : style.yellow;
    const own = told.named ? `  ${datum(path)}` : '';
    const room = columns === null ? null : Math.max(0, columns - own.length);
    out.line(`${uploadLine(id, reply, room, paint)}${own}`);
  }
  const waited = reply.newly_debuggable ?? 0;
  if (waited > 0)
    out.note(out.noteStyle.dim(`${waited} ${waited === 1 ? 'dump' : 'dumps'} became debuggable`));
  const name = path === '-' ? 'standard input' : datum(path);
  if (reply.state === 'mismatch') {
    out.warn(
      out.noteStyle.bold(
        `${name} IS NOT WHAT WAS DECLARED. It is stored, and found by what was declared and by what it is.`,
      ),
    );
  }
  for (const warning of reply.warnings) out.warn(`${name}: ${datum(warning)}`);
}

/**
 * What became of an upload, on one line. On a terminal that is too narrow it says less: the ID and the state are
 * what nothing else tells.
 *
 * @param columns of the terminal; null for none
 */
export function uploadLine(
  id: string,
  reply: Omit<UploadReply, 'sha256' | 'size_bytes'>,
  columns: number | null,
  paint: (state: string) => string,
): string {
  const guid = reply.exe_guid === null ? null : datum(reply.exe_guid);
  const age = `age ${reply.exe_age ?? '-'}`;
  const identity = guid === null ? 'no GUID' : `${guid} ${age}`;
  const short = guid === null || guid.length <= 8 ? identity : `${guid.slice(0, 8)}… ${age}`;
  const version = reply.exe_version === null ? 'no version' : `version ${datum(reply.exe_version)}`;
  const again = reply.deduplicated ? ['(stored before)'] : [];
  const state = datum(reply.state);
  const candidates = [[version, identity, ...again], [version, short, ...again], [version, ...again], again];
  const length = (rest: readonly string[]): number => [datum(id), state, ...rest].join('  ').length;
  const rest = candidates.find((candidate) => columns === null || length(candidate) <= columns) ?? [];
  return [datum(id), paint(state), ...rest].join('  ');
}

/** Failures that say where they are by themselves, or that have nothing to do with the file. */
const NAMED_ALREADY: readonly ErrorCode[] = ['LOCAL_FILE', 'USAGE', 'CONFIG_INVALID'];

/** The daemon knows a file by its bytes alone; the user knows it by its name. */
export function namingFile(
  path: string,
  error: unknown,
  { language }: Pick<Run, 'language'>,
  kind: UploadKind,
): unknown {
  if (!(error instanceof ChsError) || NAMED_ALREADY.includes(error.code)) return error;
  const { message, hint } = error.describe(language);
  const zh = language === 'zh';
  const name = path === '-' ? (zh ? '标准输入' : 'standard input') : path;
  const advice = hint !== null && error.code === 'UNPARSABLE_FILE' ? optionsFor(hint, kind, language) : hint;
  const rendered = { message: `${name}${zh ? '：' : ': '}${message}`, hint: advice ?? undefined };
  return new ChsError(error.code, {}, { rendered, cause: error });
}

/** The fields that the daemon's hint asks for, as the options that stand for them here. */
function optionsFor(hint: string, { operation }: UploadKind, language: Language): string {
  const flags = inputKeys(operation)
    .filter((field) => new RegExp(`\\b${field}\\b`).test(hint))
    .map(longFlag)
    .join(' ');
  if (flags === '') return hint;
  return language === 'zh'
    ? `加上 ${flags}，文件仍可保存，并标记为未解析。`
    : `With ${flags} it is stored all the same, marked as unparsed.`;
}
