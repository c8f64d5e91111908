/** Uploads files one after the other, streaming each, and says what became of it. */
import type { Readable } from 'node:stream';
import { baseName } from '../src/crash/names.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { inputKeys } from '../src/operation.ts';
import { ChsError, type ErrorCode } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import type { CrashFileKind, UploadReply } from './crash-files.ts';
import type { Invocation } from './define.ts';
import { printFailure, usageError } from './failure.ts';
import { longFlag } from './flags.ts';
import { localFileError, openLocalFile, refuseTwoInputs } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import { datum } from './views/facts.ts';
import { createProgress } from './views/progress.ts';

const READ_BYTES = 256 * 1024;

/** A file about to be sent. */
interface Source {
  /** As the user wrote it. */
  readonly path: string;
  readonly bytes: Readable;
  readonly sizeBytes: number | null;
}

/** One file's failure does not stop the others; the exit code is 2 when any failed. */
export async function uploadFiles(run: Run, invocation: Invocation, kind: CrashFileKind): Promise<ExitCode> {
  const { args } = invocation;
  refuseTwoInputs(args);
  let failed = 0;
  for (const path of args) {
    try {
      const { id, reply } = await uploadOne(run, invocation, kind, path);
      report(run, path, id, reply);
    } catch (error) {
      if (run.signal.aborted) throw error;
      failed += 1;
      const named = namingFile(path, error, run, kind);
      if (args.length === 1) throw named;
      printFailure(named, {
        language: run.language,
        json: run.out.json,
        color: run.options.color,
        env: run.env,
      });
    }
  }
  if (failed > 0) run.out.note(`${failed} of ${args.length} files could not be uploaded.`);
  return failed > 0 ? 2 : 0;
}

async function uploadOne(
  run: Run,
  invocation: Invocation,
  kind: CrashFileKind,
  path: string,
): Promise<{ id: string; reply: UploadReply }> {
  const source = await openSource(path);
  // Only now: a name that was mistyped should not make a data directory.
  const client = await run.connect().then(
    (connection) => connection.client(crashOperations),
    (error: unknown) => {
      source.bytes.destroy();
      throw error;
    },
  );
  const { sizeBytes } = source;
  const label = path === '-' ? 'standard input' : datum(baseName(path));
  const progress = createProgress({ label, sizeBytes, visible: run.out.interactive && !run.out.quiet });
  let readError: unknown = null;
  source.bytes.on('error', (error) => {
    readError = error;
    progress.meter.destroy(error);
  });
  const file = { bytes: source.bytes.pipe(progress.meter), sizeBytes };
  try {
    const name = path === '-' ? null : baseName(path);
    return await kind.upload(client, invocation, name, file, { signal: run.signal });
  } catch (error) {
    // What the daemon says of a body that broke off is less than what the disk said.
    throw readError === null ? error : localFileError(path, readError);
  } finally {
    progress.clear();
    source.bytes.destroy();
    progress.meter.destroy();
  }
}

async function openSource(path: string): Promise<Source> {
  if (path === '-') {
    if (process.stdin.isTTY) throw usageError('- reads standard input, which is a terminal here');
    return { path, bytes: process.stdin, sizeBytes: null };
  }
  const { handle, sizeBytes } = await openLocalFile(
    path,
    'it is not a regular file; send it through a pipe and name it -',
  );
  // A file that grows meanwhile is sent as long as it was said to be.
  return {
    path,
    bytes: handle.createReadStream({ end: sizeBytes - 1, highWaterMark: READ_BYTES }),
    sizeBytes,
  };
}

function report({ out }: Run, path: string, id: string, reply: UploadReply): void {
  if (out.json) {
    out.value(reply);
  } else {
    const { style, columns } = out;
    const paint = reply.state === 'verified' ? style.green : style.yellow;
    out.line(uploadLine(id, reply, columns, paint));
  }
  const name = path === '-' ? 'standard input' : datum(path);
  if (reply.state === 'mismatch') {
    out.warn(
      out.noteStyle.bold(`${name} IS NOT WHAT WAS DECLARED. It is stored and found under both identities.`),
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
  reply: UploadReply,
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
function namingFile(path: string, error: unknown, { language }: Run, kind: CrashFileKind): unknown {
  if (!(error instanceof ChsError) || NAMED_ALREADY.includes(error.code)) return error;
  const { message, hint } = error.describe(language);
  const zh = language === 'zh';
  const name = path === '-' ? (zh ? '标准输入' : 'standard input') : path;
  const advice = hint !== null && error.code === 'UNPARSABLE_FILE' ? optionsFor(hint, kind, language) : hint;
  const rendered = { message: `${name}${zh ? '：' : ': '}${message}`, hint: advice ?? undefined };
  return new ChsError(error.code, {}, { rendered, cause: error });
}

/** The fields that the daemon's hint asks for, as the options that stand for them here. */
function optionsFor(hint: string, { operations }: CrashFileKind, language: Language): string {
  const flags = inputKeys(operations.upload)
    .filter((field) => new RegExp(`\\b${field}\\b`).test(hint))
    .map(longFlag)
    .join(' ');
  if (flags === '') return hint;
  return language === 'zh'
    ? `加上 ${flags}，文件仍可保存，并标记为未解析。`
    : `With ${flags} it is stored all the same, marked as unparsed.`;
}
