/** Indexes the dumps that no index knows: of an older chs, of an earlier server, of another program. */
import type { BlobStore } from '../platform/blobs.ts';
import { listed } from './annotations.ts';
import type { Minidump } from './formats/minidump.ts';
import type { IndexEntry, ModuleStore, UnindexedMinidump } from './module-store.ts';
import { minidumpIndex } from './modules.ts';
import { jsonObject } from './replies.ts';
import { readStoredMinidump } from './stored.ts';

const BATCH = 200;
/** One write holds up everybody else's, so a few long lists of modules are written by themselves. */
const MODULES_A_WRITE = 1000;
/** Whoever asks waits this long for it at most; the rest goes on beside the answer. */
const PATIENCE_MS = 5_000;

/**
 * Resolves when everything is indexed, or when it takes longer than whoever asks should wait: some seconds, or with
 * `until` as long as that is not aborted.
 */
export type CatchUp = (until?: AbortSignal) => Promise<void>;

/** One run at a time, however many ask; where everything is indexed it costs one look at an empty index. */
export function createCatchUp(modules: ModuleStore, blobs: BlobStore, patienceMs = PATIENCE_MS): CatchUp {
  let running: Promise<void> | null = null;
  return async (until) => {
    running ??= indexAll(modules, blobs).finally(() => {
      running = null;
    });
    // It may fail after the last of those who wait has gone.
    running.catch(() => {});
    let giveUp = (): void => {};
    const late = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    const timer = until ? undefined : setTimeout(giveUp, patienceMs);
    until?.addEventListener('abort', giveUp);
    if (until?.aborted) giveUp();
    await Promise.race([running, late]).finally(() => {
      clearTimeout(timer);
      until?.removeEventListener('abort', giveUp);
    });
  };
}

async function indexAll(modules: ModuleStore, blobs: BlobStore): Promise<void> {
  for (;;) {
    const rows = await modules.unindexed(BATCH);
    if (rows.length === 0) return;
    let entries: IndexEntry[] = [];
    const write = async (): Promise<void> => {
      await modules.index(entries);
      entries = [];
      await new Promise((resolve) => setImmediate(resolve));
    };
    for (const row of rows) {
      entries.push(await entryOf(row, blobs));
      const moduleCount = entries.reduce((sum, { index }) => sum + index.modules.length, 0);
      if (moduleCount >= MODULES_A_WRITE) await write();
    }
    await write();
  }
}

async function entryOf(row: UnindexedMinidump, blobs: BlobStore): Promise<IndexEntry> {
  const kept = jsonObject(row.details);
  const dump =
    kept && isWhole(kept) ? kept : row.state === null ? await readIfPossible(row.file_path, blobs) : null;
  const index = minidumpIndex(dump, row);
  return { id: row.id, index, annotations: listed(dump?.annotations ?? {}, 'dump') };
}

/** One file that cannot be read must not keep all others waiting: then its row says what there is to say. */
async function readIfPossible(filePath: string, blobs: BlobStore): Promise<Minidump | null> {
  return readStoredMinidump(blobs, filePath).catch(() => null);
}

/** Details that chs wrote itself; an unparsed dump has none. */
function isWhole(details: object): details is Minidump {
  return 'modules' in details && Array.isArray(details.modules) && 'exception' in details;
}
