/** Minidumps on their way in. */
import { isoSeconds, parseInstant } from '../../platform/clock.ts';
import { ChsError } from '../../platform/errors.ts';
import { gatherAnnotations, productVersion } from '../annotations.ts';
import { type ByteSource, FormatError } from '../formats/bytes.ts';
import { inspectMinidump } from '../inspect.ts';
import { minidumpIndex } from '../modules.ts';
import { debugKeyOf, exceptionCode, guidKeyOf, plainGuid, safeSegment } from '../names.ts';
import { NO_AGE } from '../store.ts';
import { compareIdentities } from './identity.ts';
import { type Identified, type IdentifyContext, type Kind, UNKNOWN } from './kind.ts';

export interface MinidumpDeclaration {
  readonly timestamp?: string | undefined;
  readonly exe_version?: string | undefined;
  readonly exe_guid?: string | undefined;
  readonly exe_age?: number | undefined;
  readonly pid?: number | undefined;
  readonly tid?: number | undefined;
  readonly exception_code?: string | undefined;
  readonly exception_address?: string | undefined;
  /** What the client wrote beside the dump. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export const minidumpKind: Kind<'minidumps', MinidumpDeclaration> = {
  kind: 'minidumps',
  label: 'Minidump',
  extension: '.dmp',
  limit: { setting: 'storage.max_minidump_size', bytes: (limits) => limits.maxMinidumpBytes },
  recognise(head) {
    const magic = Buffer.from(head.subarray(0, 4)).toString('latin1');
    if (magic === 'MDMP') return 'file';
    const reason =
      magic === 'PMDM' ? 'a big-endian minidump is not supported' : 'it does not begin with MDMP';
    throw new ChsError('WRONG_FILE_TYPE', { expected: '.dmp', reason });
  },
  identify,
};

async function identify(
  source: ByteSource,
  { declared, strict, annotations: limits, nowMs }: IdentifyContext<MinidumpDeclaration>,
): Promise<Identified<'minidumps'>> {
  const inspected = await inspectMinidump(source).catch((error: unknown) => {
    if (!(error instanceof FormatError)) throw error;
    if (declared.exe_guid !== undefined && declared.exe_age !== undefined) return error;
    throw new ChsError('UNPARSABLE_FILE', {
      expected: '.dmp',
      reason: error.message,
      needed: 'exe_guid, exe_age',
    });
  });
  const failed = inspected instanceof FormatError ? inspected : null;
  const found = inspected instanceof FormatError ? null : inspected.identity;
  const dump = inspected instanceof FormatError ? null : inspected.parsed;
  const { state, warnings } = compareIdentities(declared, found, strict);

  const guid = declared.exe_guid === undefined ? (found?.exe_guid ?? null) : plainGuid(declared.exe_guid);
  const { annotations: sent = {} } = declared;
  const annotations = gatherAnnotations(sent, dump?.annotations ?? {}, limits);
  const version = declared.exe_version ?? found?.exe_version ?? productVersion(sent);
  const age = declared.exe_age ?? found?.exe_age ?? null;
  const pid = declared.pid ?? found?.pid ?? null;
  const tid = declared.tid ?? found?.tid ?? null;
  const timestamp = declared.timestamp ?? found?.timestamp ?? null;
  const crashedMs = timestamp === null ? null : parseInstant(timestamp);
  const code = declared.exception_code;
  const program = dump?.modules[0];
  const name = `crash_${crashedMs === null ? UNKNOWN : compact(crashedMs)}_${pid ?? UNKNOWN}_${tid ?? UNKNOWN}.dmp`;
  const folder = `${guid ?? UNKNOWN}_${age ?? UNKNOWN}`;

  const columns = {
    timestamp,
    timestamp_ms: crashedMs ?? nowMs,
    exe_version: version,
    exe_guid: guid,
    exe_age: age,
    pid,
    tid,
    exception_code: code === undefined ? (found?.exception_code ?? null) : exceptionCode(code),
    exception_address: declared.exception_address ?? found?.exception_address ?? null,
    created_at: isoSeconds(nowMs),
    created_ms: nowMs,
    signature: null,
    serial: null,
    key_module_id: null,
    exe_name: found?.exe_name ?? null,
    time_date_stamp: program?.timeDateStamp ?? null,
    size_of_image: program?.sizeOfImage ?? null,
    guid_key: guidKeyOf(guid),
    parsed_guid_key: guidKeyOf(found?.exe_guid),
    parsed_age: found?.exe_age ?? null,
    parsed_version: found?.exe_version ?? null,
    parsed: found && JSON.stringify(found),
  };
  return {
    columns,
    state,
    redeclaration: {
      debugId: debugKeyOf(declared.exe_guid, declared.exe_age ?? NO_AGE),
      version,
      fileName: null,
    },
    key: ['minidumps', safeSegment('exe_version', version ?? UNKNOWN), folder, name].join('/'),
    warnings: [
      ...warnings,
      ...(dump?.warnings ?? []),
      ...(failed ? [`Stored unparsed: ${failed.message}`] : []),
    ],
    add: (store, placed) =>
      store.addMinidump({ ...placed, ...columns }, JSON.stringify(dump ?? {}), {
        index: minidumpIndex(dump, columns),
        annotations,
      }),
    async join(store, id) {
      const leftOut = await store.addAnnotations(id, annotations, limits);
      return leftOut === 0 ? [] : [`${leftOut} annotations are not kept: the dump has as many as it may`];
    },
  };
}

/** `20260106123456`: UTC, as the documented file names have it. */
function compact(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace(/[-:T]/g, '');
}
