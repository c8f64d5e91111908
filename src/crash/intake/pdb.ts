/** PDBs on their way in. */
import { isoSeconds } from '../../platform/clock.ts';
import { ChsError } from '../../platform/errors.ts';
import { type ByteSource, FormatError } from '../formats/bytes.ts';
import { pdbMagic } from '../formats/pdb.ts';
import { inspectPdb, type PdbIdentity } from '../inspect.ts';
import { debugKeyOf, guidKeyOf, plainGuid, safeSegment } from '../names.ts';
import { type DebugKey, NO_AGE } from '../store.ts';
import { compareIdentities } from './identity.ts';
import { type Identified, type IdentifyContext, type Kind, symbolFileName, UNKNOWN } from './kind.ts';

export interface PdbDeclaration {
  readonly exe_version?: string | undefined;
  readonly exe_guid?: string | undefined;
  readonly exe_age?: number | undefined;
  readonly pdb_filename?: string | undefined;
}

export const pdbKind: Kind<'pdbs', PdbDeclaration> = {
  kind: 'pdbs',
  label: 'PDB',
  extension: '.pdb',
  limit: { setting: 'storage.max_pdb_size', bytes: (limits) => limits.maxPdbBytes },
  recognise(head) {
    const magic = pdbMagic(head);
    if (magic === 'cabinet') return 'cabinet';
    if (magic === 'pdb2') {
      const reason = 'a PDB of the old format "program database 2.00" has no GUID and cannot be matched';
      throw new ChsError('UNSUPPORTED_FORMAT', { reason });
    }
    if (magic === null) {
      throw new ChsError('WRONG_FILE_TYPE', { expected: '.pdb', reason: 'it does not begin as a PDB does' });
    }
    return 'file';
  },
  identify,
};

async function identify(
  source: ByteSource,
  { declared, strict, nowMs, ...names }: IdentifyContext<PdbDeclaration>,
): Promise<Identified<'pdbs'>> {
  const inspected = await inspectPdb(source).catch((error: unknown) => {
    if (!(error instanceof FormatError)) throw error;
    if (declared.exe_guid !== undefined && declared.exe_age !== undefined) return error;
    throw new ChsError('UNPARSABLE_FILE', {
      expected: '.pdb',
      reason: error.message,
      needed: 'exe_guid, exe_age',
    });
  });
  const failed = inspected instanceof FormatError ? inspected : null;
  const found = inspected instanceof FormatError ? null : inspected.identity;
  const { state, warnings } = compareIdentities(declared, found, strict);

  const guid = declared.exe_guid === undefined ? (found?.exe_guid ?? null) : plainGuid(declared.exe_guid);
  const age = declared.exe_age ?? found?.exe_age ?? null;
  const version = declared.exe_version ?? null;
  const name = symbolFileName(declared.pdb_filename, names);
  const segment = safeSegment('pdb_filename', withExtension(safeSegment('pdb_filename', name ?? UNKNOWN)));
  const columns = {
    exe_version: version,
    exe_guid: guid,
    exe_age: age,
    pdb_filename: name,
    uploaded_at: isoSeconds(nowMs),
    uploaded_ms: nowMs,
    format: found?.format ?? null,
    guid_key: guidKeyOf(guid),
    parsed_guid_key: guidKeyOf(found?.exe_guid),
    parsed_age: found?.exe_age ?? null,
    parsed_version: null,
    parsed: found && JSON.stringify(found),
  };
  return {
    columns,
    state,
    redeclaration: { debugId: declaredKey(declared, found), version, fileName: name },
    key: [
      'pdbs',
      safeSegment('exe_version', version ?? UNKNOWN),
      `${guid ?? UNKNOWN}_${age ?? UNKNOWN}`,
      segment,
    ].join('/'),
    warnings: [
      ...warnings,
      ...(failed || !inspected || inspected instanceof FormatError ? [] : inspected.parsed.warnings),
      ...(failed ? [`Stored unparsed: ${failed.message}`] : []),
    ],
    add: (store, placed) => store.addPdb({ ...placed, ...columns }),
  };
}

/** What was declared, and from the bytes what was left out; null where nothing was declared. */
function declaredKey({ exe_guid, exe_age }: PdbDeclaration, found: PdbIdentity | null): DebugKey | null {
  if (exe_guid === undefined && exe_age === undefined) return null;
  const age = exe_age ?? (found?.format === 'portable' ? NO_AGE : found?.exe_age);
  return debugKeyOf(exe_guid ?? found?.exe_guid, age);
}

/** The documented path ends in `.pdb`; names that do already are left as they are. */
function withExtension(name: string): string {
  return /\.pdb$/i.test(name) ? name : `${name}.pdb`;
}
