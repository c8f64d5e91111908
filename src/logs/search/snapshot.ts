/** The files of one search in their order, and how far each went when it began: what makes its pages fit together. */
import { closeSync } from 'node:fs';
import type { LogFile } from '../source/log-file.ts';
import type { Notice } from '../source/notice.ts';
import type { ScanPart } from './plan.ts';
import { headHashOf, openPlain, UnreadableFile } from './window.ts';

/** One file: enough to find it again, wherever it was moved, and to tell it from another one. */
type SnapshotFile = readonly [
  path: string,
  end: number,
  device: string,
  inode: string,
  headHash: string,
  start: number,
  linesBefore: number,
  headBytes: number,
];

/** @param linesBefore line ends of each part before its start */
export function snapshotOf(parts: readonly ScanPart[], linesBefore: readonly number[]): string {
  const files = parts.map(
    ({ file, fileEnd, start }, index): SnapshotFile => [
      file.path,
      fileEnd,
      file.identity.device,
      file.identity.inode,
      file.identity.headHash,
      start,
      linesBefore[index] ?? 0,
      file.identity.headBytes,
    ],
  );
  return JSON.stringify(files);
}

/** Whether a snapshot is of these files, in this order. */
export function isSnapshotOf(snapshot: string, parts: readonly ScanPart[]): boolean {
  const known = JSON.parse(snapshot) as readonly SnapshotFile[];
  return (
    known.length === parts.length &&
    parts.every(({ file }, index) => {
      const before = known[index];
      return before !== undefined && file.path === before[0] && isSame(before, file);
    })
  );
}

/** A file of the snapshot as it is now; null where it is gone or is another one. */
export interface FoundAgain {
  readonly files: readonly (LogFile | null)[];
  readonly places: readonly { readonly start: number; readonly end: number; readonly linesBefore: number }[];
  readonly notices: readonly Notice[];
}

/** @param snapshot as snapshotOf wrote it */
export function findAgain(snapshot: string, present: readonly LogFile[]): FoundAgain {
  const known = JSON.parse(snapshot) as readonly SnapshotFile[];
  const byPath = new Map(present.map((file) => [file.path, file]));
  const byPlace = new Map(present.map((file) => [placeKey(file.identity.device, file.identity.inode), file]));
  const notices: Notice[] = [];
  const files = known.map((before) => {
    const [path, end, device, inode] = before;
    const same = byPath.get(path);
    const found = [same, byPlace.get(placeKey(device, inode))].find((file) => file && isSame(before, file));
    if (found && found.sizeBytes >= end) return found;
    const code = found ? 'TRUNCATED' : same ? 'REPLACED' : 'GONE';
    notices.push({
      file: path,
      code,
      message: 'it changed since the search began; the rest of it is left out',
    });
    return null;
  });
  const places = known.map(([, end, , , , start, linesBefore]) => ({ start, end, linesBefore }));
  return { files, places, notices };
}

function placeKey(device: string, inode: string): string {
  return `${device} ${inode}`;
}

/** The same file, with the same beginning: one that was written anew in its place is another one. */
function isSame([, , device, inode, headHash, , , headBytes]: SnapshotFile, file: LogFile): boolean {
  const { identity } = file;
  if (identity.device !== device || identity.inode !== inode) return false;
  if (identity.headBytes === headBytes) return identity.headHash === headHash;
  // What was short and has grown is known by more bytes now.
  return identity.headBytes > headBytes && hashOfHead(file, headBytes) === headHash;
}

function hashOfHead(file: LogFile, headBytes: number): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openPlain(file);
    return headHashOf(descriptor, headBytes);
  } catch (error) {
    if (error instanceof UnreadableFile) return null;
    throw error;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Files in the order of their hits: by their first event, relatives together and the oldest first, then by path. */
export function inOrder(files: readonly LogFile[]): LogFile[] {
  const families = new Map<string, { startMs: number; path: string }>();
  for (const { familyId, firstEvent, path } of files) {
    if (familyId === null) continue;
    const known = families.get(familyId);
    families.set(familyId, {
      startMs: Math.min(
        known?.startMs ?? Number.POSITIVE_INFINITY,
        firstEvent?.epochMs ?? Number.POSITIVE_INFINITY,
      ),
      path: known && known.path < path ? known.path : path,
    });
  }
  const keyed = files.map((file) => {
    const family = families.get(file.familyId ?? '');
    const startMs = file.firstEvent?.epochMs ?? family?.startMs ?? Number.POSITIVE_INFINITY;
    return { file, startMs, group: family?.path ?? file.path };
  });
  keyed.sort(
    (a, b) =>
      order(a.startMs, b.startMs) ||
      order(a.group, b.group) ||
      order(a.file.sequence, b.file.sequence) ||
      order(a.file.path, b.file.path),
  );
  return keyed.map(({ file }) => file);
}

function order<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
