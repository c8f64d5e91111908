/** `chs dump upload`, `chs pdb upload`, `chs exe upload`: files, folders, patterns and standard input. */
import { baseName } from '../src/crash/names.ts';
import type { Invocation } from './define.ts';
import { readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { runBatch } from './upload/batch.ts';
import { batchSettings } from './upload/batch-options.ts';
import { expand } from './upload/expand.ts';
import { type Fields, type UploadKind, uploadKinds } from './upload/kinds.ts';
import { isOfKind } from './upload/recognise.ts';

/**
 * Uploads what is named. One file's failure does not stop the others.
 *
 * @returns 2 when any failed
 * @throws ChsError the failure of the only file; USAGE, LOCAL_FILE, INTERRUPTED
 */
export async function uploadFiles(
  run: Run,
  invocation: Invocation,
  group: keyof typeof uploadKinds,
): Promise<ExitCode> {
  const startedAt = Date.now();
  const { args } = invocation;
  const kind = uploadKinds[group];
  const settings = batchSettings(invocation);
  const declared = readInput(kind.operation, invocation) as Fields;
  const wanted = {
    many: kind.many,
    test: ({ path }: { readonly path: string }) => isOfKind(kind.wire, path),
  };
  const { files, passedOver } = await expand(args, wanted, run.signal);
  const items = files.map(({ path, problem }) => ({
    kind,
    path,
    problem,
    fields: fieldsFor(kind, declared, path),
  }));
  const single = args.length === 1 && items.length === 1;
  return runBatch(run, items, { settings, passedOver, single, startedAt });
}

/** A file goes by its own name, unless it is said how debuggers call it. */
function fieldsFor({ nameField }: UploadKind, declared: Fields, path: string): Fields {
  if (nameField === null || path === '-') return declared;
  return { ...declared, [nameField]: declared[nameField] ?? baseName(path) };
}
