/** `chs symbols import`: uploads what a symbol store holds. */
import { inspectExe, inspectPdb } from '../src/crash/inspect.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { Invocation } from './define.ts';
import { inspectLocalSymbols } from './inspect-file.ts';
import type { ExitCode, Run } from './run.ts';
import { readBooks, type StoreBooks } from './symbol-store/books.ts';
import { type StoreFile, storeFiles } from './symbol-store/store-files.ts';
import { type BatchItem, runBatch } from './upload/batch.ts';
import { batchSettings } from './upload/batch-options.ts';
import { BATCH_FILES_MAX } from './upload/expand.ts';
import { uploadKinds } from './upload/kinds.ts';
import { beginsAsPdb, isOfKind } from './upload/recognise.ts';
import { datum } from './views/facts.ts';
import { pdbStoreKey } from './views/symbols.ts';

/** What a version of a transaction must look like to be one of a program: it becomes part of a path. */
const SANE_VERSION = /^(?!.*\.\.)[\w+-][\w.+-]{0,62}[\w+-]$|^\w$/;

/**
 * @returns as `runBatch`
 * @throws ChsError LOCAL_FILE when there is no symbol store, or more in it than a batch takes; INTERRUPTED
 */
export async function importSymbols(run: Run, invocation: Invocation): Promise<ExitCode> {
  const startedAt = Date.now();
  const [store = ''] = invocation.args;
  const settings = batchSettings(invocation);
  const books = await readBooks(store);
  const items: BatchItem[] = [];
  let passedOver = 0;
  let refused = 0;
  const walk = {
    signal: run.signal,
    abandoned(place: string) {
      passedOver += 1;
      run.out.note(`${datum(place)}: its transaction was deleted; left out`);
    },
    followPointers: invocation.options.followPointers === true,
    refused(path: string, target: string) {
      passedOver += 1;
      refused += 1;
      run.out.warn(
        `${datum(path)}: it leads out of the store, to ${datum(target)}; left out (--follow-pointers sends that)`,
      );
    },
  };
  for await (const file of storeFiles(store, books, walk)) {
    const item = await itemOf(run, file, books);
    if (!item) passedOver += 1;
    else items.push(item);
    if (items.length > BATCH_FILES_MAX) {
      const reason = `it brings the batch over ${BATCH_FILES_MAX} files; name a smaller directory`;
      throw new ChsError('LOCAL_FILE', { path: store, reason });
    }
  }
  if (items.length === 0) {
    const reason =
      refused > 0
        ? 'all that it holds leads out of it; --follow-pointers sends what is there'
        : 'it holds no symbol store: no folder NAME/KEY with a PDB or an image';
    throw new ChsError('LOCAL_FILE', { path: store, reason });
  }
  return runBatch(run, items, { settings, passedOver, single: false, startedAt });
}

/** Null for what is neither PDB nor image. */
async function itemOf(run: Run, file: StoreFile, books: StoreBooks): Promise<BatchItem | null> {
  const { path, fileName, problem } = file;
  const isPdb = /\.pdb$/i.test(fileName);
  const kind = isPdb ? uploadKinds.pdb : uploadKinds.exe;
  if (problem) return { kind, path, problem, fields: {} };
  if (!isPdb && !(await isOfKind('exe', path))) return null;
  const doubt = isPdb ? await doubtOf(path) : null;
  if (doubt) return { kind, path, problem: doubt, fields: {} };
  const version = versionOf(file, books);
  const name = { [kind.nameField ?? '']: fileName };
  try {
    const found = await identityOf(run, path, isPdb);
    if (found.key !== null && found.key.toUpperCase() !== file.key.toUpperCase())
      run.out.warn(`${datum(path)}: it lies under ${datum(file.key)}, its bytes say ${found.key}`);
    // A version that the image itself has is the better one.
    const exe_version = found.version === null ? version : undefined;
    return { kind, path, problem: null, fields: { ...name, exe_version } };
  } catch (error) {
    run.signal.throwIfAborted();
    // What is wrong with its bytes is for the server to say, which may take it all the same.
    if (error instanceof ChsError) return { kind, path, problem: null, fields: name };
    throw error;
  }
}

/** Of what a pointer or a link leads to nobody but its writer knows what it is. */
async function doubtOf(path: string): Promise<unknown> {
  const reason = 'it does not begin as a PDB does; it is not sent';
  return beginsAsPdb(path).then(
    (isPdb) => (isPdb ? null : new ChsError('LOCAL_FILE', { path, reason })),
    (error: unknown) => error,
  );
}

async function identityOf(
  run: Run,
  path: string,
  isPdb: boolean,
): Promise<{ key: string | null; version: string | null }> {
  if (!isPdb) {
    const { parsed } = await inspectLocalSymbols(run, path, inspectExe);
    return { key: parsed.codeId, version: parsed.version };
  }
  const { parsed } = await inspectLocalSymbols(run, path, inspectPdb);
  return { key: pdbStoreKey(parsed.guid, parsed.age, parsed.kind === 'portable'), version: null };
}

/** What whoever added the file called the version, where that can be one. */
function versionOf({ transactionId }: StoreFile, { live }: StoreBooks): string | undefined {
  const version = transactionId === null ? undefined : live.get(transactionId)?.version.trim();
  return version !== undefined && SANE_VERSION.test(version) ? version : undefined;
}
