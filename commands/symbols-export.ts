/** `chs symbols export`: what is stored, as a symbol store that debuggers and symstore.exe read. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { CallOptions } from '../src/connect.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { CrashClient } from './crash-files.ts';
import type { Invocation } from './define.ts';
import { appear, checking } from './download.ts';
import { describeFailure, printFailure } from './failure.ts';
import { localFileError } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import { type Entry, folderParts, isReservedName, placeOf } from './symbol-store/admin.ts';
import {
  adminFolder,
  isPlaced,
  isTwoTierStore,
  readBooks,
  type StoreBooks,
  writeTransaction,
} from './symbol-store/books.ts';
import { type StoredSymbol, storedSymbols } from './symbol-store/stored-symbols.ts';
import { batchSettings } from './upload/batch-options.ts';
import { inOrder } from './upload/queue.ts';
import { type Patience, withRetries } from './upload/retry.ts';
import { type BatchProgress, createBatchProgress } from './views/batch-progress.ts';
import { datum } from './views/facts.ts';

/** What is not whole yet is among the books, where no debugger looks. */
const PARTIAL = '.part';

/** `present`: it was there, whole; `conflict`: another file is in its place, which stays. */
type Status = 'written' | 'present' | 'conflict' | 'failed';

interface Exported {
  readonly symbol: Placed;
  readonly file: string;
  readonly status: Status;
  readonly error: unknown;
}

interface Export {
  readonly run: Run;
  readonly store: string;
  /** The folder of the books. */
  readonly admin: string;
  readonly isTwoTier: boolean;
  readonly client: CrashClient;
  readonly patience: Patience;
  readonly progress: BatchProgress;
}

/** A symbol that has a name and a key. */
type Placed = StoredSymbol & { readonly fileName: string; readonly key: string };

/**
 * @returns 2 when a file failed
 * @throws ChsError NO_MATCH when nothing stored fits; LOCAL_FILE, INTERRUPTED
 */
export async function exportSymbols(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { args, options } = invocation;
  const [store = ''] = args;
  const { jobs, patience } = batchSettings(invocation);
  const connection = await withRetries({ run, patience, label: 'the connection' }, () => run.connect());
  const client = connection.client(crashOperations);
  const { symbols, nameless, reserved } = await placed(run, client, patience, options);
  if (symbols.length === 0 && nameless + reserved === 0)
    throw new ChsError('NO_MATCH', { reason: 'nothing that is stored fits' });
  const admin = await makeStore(store);
  const [books, isTwoTier] = await Promise.all([readBooks(store), isTwoTierStore(store)]);
  const progress = createBatchProgress(symbols.length, run.out.interactive && !run.out.quiet);
  const context = { run, store, admin, isTwoTier, client, patience, progress };
  const results: Exported[] = [];
  await inOrder(symbols, {
    jobs,
    signal: run.signal,
    work: (symbol) => exportOne(context, symbol),
    done: (result) => {
      results.push(result);
      progress.clear();
      say(run, result);
    },
  });
  progress.clear();
  const entries = newEntries(results, books);
  const transaction =
    entries.length === 0
      ? null
      : await writeTransaction(store, entries, { isTwoTier, ...transactionWords(options) });
  conclude(run, { store, transaction, results, nameless, reserved });
  return results.some(({ status }) => status === 'failed') ? 2 : 0;
}

/** What fits the filters, each place once: of files with one identity the one that was uploaded last. */
async function placed(
  run: Run,
  client: CrashClient,
  patience: Patience,
  options: Invocation['options'],
): Promise<{ symbols: Placed[]; nameless: number; reserved: number }> {
  const text = (name: string): string | undefined =>
    typeof options[name] === 'string' ? options[name] : undefined;
  const filter = { version: text('version'), name: text('name'), since: text('since') };
  const places = new Map<string, Placed>();
  let nameless = 0;
  let reserved = 0;
  const { signal } = run;
  const call = <T>(ask: (options: CallOptions) => Promise<T>): Promise<T> =>
    withRetries({ run, patience, label: 'the list' }, () => ask({ signal }));
  for await (const symbol of storedSymbols(client, filter, call)) {
    const { fileName, key } = symbol;
    if (fileName === null || key === null) {
      nameless += 1;
      continue;
    }
    if (isReservedName(fileName)) {
      reserved += 1;
      run.out.warn(
        `${datum(fileName)} (${symbol.id}): symbol stores keep this name for themselves; left out`,
      );
      continue;
    }
    const place = placeOf({ fileName, key });
    if (!places.has(place)) places.set(place, { ...symbol, fileName, key });
  }
  return { symbols: [...places.values()], nameless, reserved };
}

async function exportOne(context: Export, symbol: Placed): Promise<Exported> {
  const { run, store, isTwoTier, patience, progress } = context;
  const { fileName } = symbol;
  const file = join(store, ...folderParts(symbol, isTwoTier), fileName);
  const meter = progress.open(datum(fileName), symbol.sizeBytes);
  try {
    const there = await whatIsThere(file, symbol);
    if (there !== 'nothing') return { symbol, file, status: there, error: null };
    const trial = { run, patience, label: datum(fileName), clear: progress.clear };
    await withRetries(trial, () => fetchInto(context, symbol, file, meter.stream()));
    return { symbol, file, status: 'written', error: null };
  } catch (error) {
    run.signal.throwIfAborted();
    return { symbol, file, status: 'failed', error };
  } finally {
    meter.end();
  }
}

async function whatIsThere(
  file: string,
  { sizeBytes, sha256 }: Placed,
): Promise<'nothing' | 'present' | 'conflict'> {
  const found = await stat(file).catch(() => null);
  if (!found) return 'nothing';
  if (!found.isFile() || (sizeBytes !== null && found.size !== sizeBytes)) return 'conflict';
  if (sha256 === null) return 'present';
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex') === sha256 ? 'present' : 'conflict';
}

/** The file appears when it is whole, its SHA-256 is right, and it is on the disk. */
async function fetchInto(
  { run, admin, client }: Export,
  { kind, id }: Placed,
  file: string,
  meter: NodeJS.ReadWriteStream,
): Promise<void> {
  const { signal } = run;
  const download = await (kind === 'pdb'
    ? client.downloadPdb({ id }, { signal })
    : client.downloadExe({ id }, { signal }));
  const partial = join(admin, `${randomUUID().slice(0, 8)}${PARTIAL}`);
  try {
    const into = createWriteStream(partial, { flags: 'wx' });
    await pipeline(download.bytes, meter, checking(download).check, into, { signal });
    const written = await open(partial, 'r+');
    await written.sync().finally(() => written.close());
    await mkdir(dirname(file), { recursive: true });
    await appear(partial, file);
  } catch (error) {
    throw localFileError(file, error);
  } finally {
    download.bytes.destroy();
    await rm(partial, { force: true, maxRetries: 3 });
  }
}

/** What is in its place and in no transaction yet, whichever run put it there. */
function newEntries(results: readonly Exported[], books: StoreBooks): readonly Entry[] {
  return results
    .filter(
      ({ symbol, status }) => (status === 'written' || status === 'present') && !isPlaced(books, symbol),
    )
    .map(({ symbol: { fileName, key, kind, source } }) => ({
      fileName,
      key,
      source,
      type: kind === 'pdb' ? ('pri' as const) : ('bin' as const),
    }));
}

function transactionWords({ product, version }: Invocation['options']): {
  product: string;
  version: string;
  comment: string;
} {
  return {
    product: typeof product === 'string' ? product : 'chs',
    version: typeof version === 'string' ? version : '',
    comment: 'chs symbols export',
  };
}

function say({ out, language, options, env }: Run, { file, status, error }: Exported): void {
  if (status === 'conflict') out.warn(`${datum(file)}: another file is in its place, which stays`);
  else if (status === 'written' && !out.json) out.line(datum(file));
  else if (status === 'failed') printFailure(error, { language, json: out.json, color: options.color, env });
}

function conclude(
  { out, language }: Run,
  {
    store,
    transaction,
    results,
    nameless,
    reserved,
  }: {
    readonly store: string;
    readonly transaction: string | null;
    readonly results: readonly Exported[];
    readonly nameless: number;
    readonly reserved: number;
  },
): void {
  const count = (wanted: Status): number => results.filter(({ status }) => status === wanted).length;
  const counts = {
    written: count('written'),
    present: count('present'),
    conflicts: count('conflict'),
    failed: count('failed'),
    without_identity: nameless,
    reserved_names: reserved,
  };
  if (out.json) {
    const files = results.map(({ symbol: { id, kind }, file, status, error }) => {
      const { code, message } = describeFailure(error, language);
      return { id, kind, file, status, ...(status === 'failed' ? { error: { code, message } } : {}) };
    });
    out.value({ directory: store, transaction, ...counts, files });
    return;
  }
  const said = [
    [counts.written, 'written'],
    [counts.present, 'there before'],
    [counts.conflicts, 'in the place of which is another file'],
    [counts.failed, 'failed'],
    [counts.without_identity, 'left out, as debuggers could not ask for them (no name, or no identity)'],
    [counts.reserved_names, 'left out for their names'],
  ] as const;
  const line = said.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  out.note(`${line.join(', ')}${transaction === null ? '' : `; transaction ${transaction}`}`);
}

/**
 * Makes the store's folders, and removes what a run left behind that was killed: a store is written by one at a time.
 *
 * @throws ChsError LOCAL_FILE
 */
async function makeStore(store: string): Promise<string> {
  const admin = await adminFolder(store);
  try {
    await mkdir(admin, { recursive: true });
    for (const name of await readdir(admin)) if (name.endsWith(PARTIAL)) await rm(join(admin, name));
    return admin;
  } catch (error) {
    throw localFileError(store, error);
  }
}
