/** A plain folder as a target of backups: real files, without the care for power cuts that the real one takes. */
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupTarget, FilePool } from '../../src/backup/target.ts';
import { ChsError } from '../../src/platform/errors.ts';

export interface FolderTarget extends BackupTarget {
  /** Called before each change; may throw, as a process that is killed does no more. */
  beforeChange: (what: string) => void;
}

export function folderTarget(place: string): FolderTarget {
  const path = (...names: string[]) => join(place, ...names);
  const target: FolderTarget = {
    beforeChange: () => {},
    place,
    kind: 'folder',
    workFolder: () => mkdtemp(path('.work-')),
    freeBytes: async () => 1e12,
    list: async () => {
      const names = (await readdir(place).catch(() => [])).filter((name) => /^\d{8}T\d{6}Z-/.test(name));
      const there = await Promise.all(names.map((name) => exists(path(name, 'manifest.json'))));
      return names.filter((_, index) => there[index]).sort();
    },
    readManifest: async (id) => {
      if (!(await exists(path(id, 'manifest.json')))) throw new ChsError('BACKUP_NOT_FOUND', { id });
      return await readFile(path(id, 'manifest.json'));
    },
    begin: async (id) => ({
      put: async (name, from) => {
        await mkdir(path(id), { recursive: true });
        await copyFile(from.path, path(id, name));
      },
      commit: async (manifest) => {
        await mkdir(path(id), { recursive: true });
        await writeFile(path(id, 'manifest.json'), manifest);
      },
      discard: () => rm(path(id), { recursive: true, force: true }),
    }),
    fileSize: async (id, file) => (await sizeOf(path(id, file))) ?? null,
    open: async (id, file) => {
      if (!(await exists(path(id, file)))) throw new ChsError('BACKUP_DAMAGED', { id, reason: 'no file' });
      return createReadStream(path(id, file));
    },
    remove: async (id) => {
      target.beforeChange(`unlink ${id}`);
      await rm(path(id, 'manifest.json'));
      target.beforeChange(`rest ${id}`);
      await rm(path(id), { recursive: true });
    },
    readNote: async (name) => ((await exists(path(name))) ? await readFile(path(name)) : null),
    writeNote: async (name, bytes) => {
      target.beforeChange(`note ${name}`);
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(`${name}.new`), bytes);
      await rename(path(`${name}.new`), path(name));
    },
    pool: folderPool(path('pool'), (what) => target.beforeChange(what)),
    sweep: async () => 0,
    close: async () => {},
  };
  return target;
}

function folderPool(folder: string, beforeChange: (what: string) => void): FilePool {
  const path = (sha256: string) => join(folder, sha256.slice(0, 2), `${sha256}.gz`);
  return {
    size: (sha256) => sizeOf(path(sha256)),
    put: async (sha256, from) => {
      await mkdir(dirname(path(sha256)), { recursive: true });
      await copyFile(from.path, path(sha256));
    },
    open: async (sha256) => createReadStream(path(sha256)),
    list: async function* () {
      for (const part of await readdir(folder).catch(() => [])) {
        for (const name of await readdir(join(folder, part))) {
          const found = await stat(join(folder, part, name));
          yield { sha256: name.slice(0, 64), putAtMs: found.mtimeMs, sizeBytes: found.size };
        }
      }
    },
    remove: async (sha256) => {
      beforeChange(`pool ${sha256}`);
      await rm(path(sha256), { force: true });
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return (await sizeOf(path)) !== null;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch {
    return null;
  }
}
