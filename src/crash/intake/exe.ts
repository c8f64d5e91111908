/** EXEs and DLLs on their way in. */
import { isoSeconds } from '../../platform/clock.ts';
import { ChsError } from '../../platform/errors.ts';
import { type ByteSource, FormatError } from '../formats/bytes.ts';
import { inspectExe } from '../inspect.ts';
import { debugKeyOf, guidKeyOf, plainGuid, safeSegment } from '../names.ts';
import { type DebugKey, NO_AGE } from '../store.ts';
import { compareIdentities } from './identity.ts';
import { type Identified, type IdentifyContext, type Kind, symbolFileName, UNKNOWN } from './kind.ts';

export interface ExeDeclaration {
  readonly exe_version?: string | undefined;
  readonly exe_guid?: string | undefined;
  readonly exe_filename?: string | undefined;
}

export const exeKind: Kind<'exes', ExeDeclaration> = {
  kind: 'exes',
  label: 'EXE',
  extension: '.exe',
  limit: { setting: 'storage.max_exe_size', bytes: (limits) => limits.maxExeBytes },
  recognise(head) {
    const magic = Buffer.from(head.subarray(0, 4)).toString('latin1');
    if (magic === 'MSCF') return 'cabinet';
    if (magic.startsWith('MZ')) return 'file';
    const reason = magic === '\x7fELF' ? 'it is an ELF image' : 'it does not begin with MZ';
    throw new ChsError('WRONG_FILE_TYPE', { expected: '.exe', reason });
  },
  identify,
};

async function identify(
  source: ByteSource,
  { declared, strict, nowMs, ...names }: IdentifyContext<ExeDeclaration>,
): Promise<Identified<'exes'>> {
  const inspected = await inspectExe(source).catch((error: unknown) => {
    if (!(error instanceof FormatError)) throw error;
    if (declared.exe_guid !== undefined) return error;
    throw new ChsError('UNPARSABLE_FILE', { expected: '.exe', reason: error.message, needed: 'exe_guid' });
  });
  const failed = inspected instanceof FormatError ? inspected : null;
  const found = inspected instanceof FormatError ? null : inspected.identity;
  const pe = inspected instanceof FormatError ? null : inspected.parsed;
  // Images compiled ahead of time have two records, and either may be meant.
  const meant = recordOf(declared.exe_guid, pe?.codeViews ?? []);
  const told = found && meant ? { ...found, exe_guid: meant.guid, exe_age: meant.age } : found;
  const { state, warnings } = compareIdentities(declared, told, strict);

  const guid = declared.exe_guid === undefined ? (found?.exe_guid ?? null) : plainGuid(declared.exe_guid);
  const version = declared.exe_version ?? found?.exe_version ?? null;
  const name = symbolFileName(declared.exe_filename, names);
  const segment = safeSegment('exe_filename', withExtension(safeSegment('exe_filename', name ?? UNKNOWN)));
  const columns = {
    exe_version: version,
    exe_guid: guid,
    exe_age: told?.exe_age ?? null,
    exe_filename: name,
    uploaded_at: isoSeconds(nowMs),
    uploaded_ms: nowMs,
    time_date_stamp: pe?.timeDateStamp ?? null,
    size_of_image: pe?.sizeOfImage ?? null,
    guid_key: guidKeyOf(guid),
    parsed_guid_key: guidKeyOf(found?.exe_guid),
    parsed_age: found?.exe_age ?? null,
    parsed_version: found?.exe_version ?? null,
    parsed: found && JSON.stringify(found),
  };
  return {
    columns,
    state,
    redeclaration: { debugId: meant ? null : debugKeyOf(declared.exe_guid, NO_AGE), version, fileName: name },
    key: ['exes', safeSegment('exe_version', version ?? UNKNOWN), guid ?? UNKNOWN, segment].join('/'),
    warnings: [
      ...warnings,
      ...(pe?.warnings ?? []),
      ...(failed ? [`Stored unparsed: ${failed.message}`] : []),
    ],
    add: (store, placed) => store.addExe({ ...placed, ...columns }, debugKeys(pe?.codeViews ?? [])),
  };
}

type Records = readonly { readonly debugId: { readonly guid: string; readonly age: number } | null }[];

/** The identity among an image's own that has this GUID. */
function recordOf(guid: string | undefined, records: Records): Records[number]['debugId'] {
  const guidKey = guidKeyOf(guid);
  const same = ({ debugId }: Records[number]): boolean => guidKeyOf(debugId?.guid) === guidKey;
  return (guidKey && records.find(same)?.debugId) || null;
}

function debugKeys(records: Records): DebugKey[] {
  return records.flatMap(({ debugId }) => {
    const guidKey = guidKeyOf(debugId?.guid);
    return debugId && guidKey ? [{ guidKey, age: debugId.age }] : [];
  });
}

/** The documented path ends in `.exe`; a name that has an extension of its own keeps it. */
function withExtension(name: string): string {
  return /\.[A-Za-z0-9_]{1,8}$/.test(name) ? name : `${name}.exe`;
}
