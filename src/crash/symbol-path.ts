/** The paths of a symbol store: `crashme.pdb/54A340A4D444CC374C4C44205044422E1/crashme.pdb` (Microsoft: SymStore). */
import { FILE_NAME_CHARS_MAX } from './names.ts';
import type { DebugKey } from './store.ts';

/** Whom a key means: a PDB by its debug identity, an image by two numbers of its header. */
export type SymbolIdentity =
  | ({ readonly kind: 'pdb' } & DebugKey)
  | { readonly kind: 'image'; readonly timeDateStamp: number; readonly sizeOfImage: number };

/** What a debugger asks for. */
export interface SymbolPath {
  /** As `comparableName` gives it. */
  readonly file: string;
  /** In upper case. */
  readonly key: string;
  readonly identity: SymbolIdentity;
}

/** A GUID and an age, hexadecimal, without leading zeros. */
const PDB_KEY = /^([0-9A-F]{32})(0|[1-9A-F][0-9A-F]{0,7})$/;
/** TimeDateStamp in eight digits and SizeOfImage without leading zeros. */
const IMAGE_KEY = /^([0-9A-F]{8})([1-9A-F][0-9A-F]{0,7})$/;
/** Files that a store keeps for itself, and compressed ones: chs has none of either. */
const STORE_FILE = /^(index2\.txt|pingme\.txt|refs\.ptr|file\.ptr)$|\.\w*_$/;

/**
 * Takes apart what stands between `/symbols/` and the end of a URL; null when no file of ours can be meant.
 * Keys are compared without case, names too, and the two names must be one.
 */
export function parseSymbolPath(file: string, key: string, name: string): SymbolPath | null {
  if (file.length > FILE_NAME_CHARS_MAX || name.length > FILE_NAME_CHARS_MAX) return null;
  const comparable = comparableName(file);
  const identity = parseSymbolKey(key);
  if (!identity || comparable !== comparableName(name) || STORE_FILE.test(comparable)) return null;
  return { file: comparable, key: key.toUpperCase(), identity };
}

/** The identity in a key, in whatever case; null for a text that is none. */
export function parseSymbolKey(text: string): SymbolIdentity | null {
  const key = text.toUpperCase();
  const [, guidKey, age = ''] = PDB_KEY.exec(key) ?? [];
  if (guidKey !== undefined) return { kind: 'pdb', guidKey, age: Number.parseInt(age, 16) };
  const [, stamp, size = ''] = IMAGE_KEY.exec(key) ?? [];
  if (stamp === undefined) return null;
  return { kind: 'image', timeDateStamp: Number.parseInt(stamp, 16), sizeOfImage: Number.parseInt(size, 16) };
}

/** A file name as Windows compares names: without case, in one form of Unicode. */
export function comparableName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
