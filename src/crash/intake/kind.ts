/** What the three kinds of upload have in common, and what each must say of itself. */
import type { AnnotationLimits } from '../../platform/annotation-limits.ts';
import type { ByteSource } from '../formats/bytes.ts';
import { unpackedName } from '../names.ts';
import type { Added, CrashStore, FileKind, FileRow, IdentityState, Redeclaration, RowOf } from '../store.ts';

/** The settings that uploads obey. A getter each, as a reload may change them. */
export interface IntakeLimits {
  readonly maxMinidumpBytes: number;
  readonly maxPdbBytes: number;
  readonly maxExeBytes: number;
  readonly maxConcurrentUploads: number;
  readonly strict: boolean;
  readonly annotations: AnnotationLimits;
}

/** The columns that the flow itself fills in, once the file has its place. */
type PlacedColumns = 'id' | 'file_path' | 'size_bytes' | 'sha256' | 'declared' | 'warnings' | 'state';

/** Who a file is: its row but for its place, where it belongs, and what there is to warn about. */
export interface Identified<K extends FileKind> {
  readonly columns: Omit<RowOf[K], PlacedColumns>;
  readonly state: IdentityState;
  readonly key: string;
  readonly warnings: readonly string[];
  /** What a later upload of the same bytes adds to the row. */
  readonly redeclaration: Redeclaration;
  /** Writes the row and whatever belongs to it. */
  add(store: CrashStore, placed: Pick<FileRow, PlacedColumns>): Promise<Added<RowOf[K]>>;
  /** Adds to the row of the same bytes what came beside them; gives what there is to remark. */
  join?(store: CrashStore, id: string): Promise<readonly string[]>;
}

export interface Kind<K extends FileKind, Input> {
  readonly kind: K;
  /** As log lines and messages call it. */
  readonly label: 'Minidump' | 'PDB' | 'EXE';
  /** `.dmp` and so on, for messages. */
  readonly extension: string;
  readonly limit: { readonly setting: string; readonly bytes: (limits: IntakeLimits) => number };
  /**
   * Looks at the first bytes (64, or all of a shorter file).
   *
   * @returns `cabinet` when what is wanted is inside one
   * @throws ChsError WRONG_FILE_TYPE, UNSUPPORTED_FORMAT
   */
  recognise(head: Uint8Array): 'file' | 'cabinet';
  /** @throws ChsError UNPARSABLE_FILE, IDENTITY_MISMATCH, UNSAFE_NAME */
  identify(source: ByteSource, context: IdentifyContext<Input>): Promise<Identified<K>>;
}

export interface IdentifyContext<Input> {
  readonly declared: Input;
  /** The name of the multipart part; untrusted. */
  readonly fileName: string | null;
  /** The name inside the cabinet, if the file came in one; untrusted. */
  readonly innerName: string | null;
  readonly strict: boolean;
  readonly annotations: AnnotationLimits;
  readonly nowMs: number;
}

/** The name that debuggers know a symbol file by: as declared or as sent, unpacked. */
export function symbolFileName(
  declared: string | undefined,
  { fileName, innerName }: Pick<IdentifyContext<unknown>, 'fileName' | 'innerName'>,
): string | null {
  const name = declared ?? fileName;
  return innerName === null ? name : unpackedName(name, innerName);
}

/** The path segments of a file whose version, GUID and age may be unknown. */
export const UNKNOWN = 'unknown';
