/** Lookups by identity: the PDB of an EXE, the EXE of a GUID, the file of a hash. */
import type { Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { isRealStamp, preferVersion, sameImage } from './match.ts';
import { oneIdentity } from './modules.ts';
import { guidKeyOf } from './names.ts';
import type { lookupOperations } from './operations/lookups.ts';
import { shownExe, shownPdb } from './replies.ts';
import type { CrashStore, DebugKey, IdentitySource, PdbRow } from './store.ts';
import type { createContentLookups } from './uploaded.ts';

export interface LookupsContext {
  readonly store: CrashStore;
  readonly rootName: string;
  readonly byContent: ReturnType<typeof createContentLookups>;
}

export function createLookups({
  store,
  rootName,
  byContent,
}: LookupsContext): Handlers<typeof lookupOperations> {
  return {
    async findMatchingPdb(input) {
      const candidates: PdbRow[] = [];
      for (const key of await debugKeysOf(store, input)) {
        candidates.push(...(await parsedFirst((source) => store.pdbsByDebugId(key, source))));
      }
      const row = preferVersion(candidates, input.exe_version);
      if (!row) throw new ChsError('NO_MATCHING_PDB');
      return { pdb: shownPdb(row, rootName), message: 'Matching PDB found' };
    },
    async findExeByGuid({ exe_guid }) {
      const guidKey = guidKeyOf(exe_guid);
      const [row] = guidKey ? await parsedFirst((source) => store.exesByGuid(guidKey, source)) : [];
      if (!row) throw new ChsError('NO_MATCHING_EXE');
      return { exe: shownExe(row, rootName), message: 'Matching EXE found' };
    },
    findBySha256: ({ kind, sha256 }) => byContent[kind](sha256.toLowerCase()),
  };
}

/** Files that say so in their bytes; only where there are none, those that were merely declared to. */
async function parsedFirst<T>(
  find: (source: IdentitySource) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const parsed = await find('parsed');
  return parsed.length > 0 ? parsed : find('declared');
}

interface PdbQuestion {
  readonly exe_guid?: string | undefined;
  readonly exe_age?: number | undefined;
  readonly exe_time_date_stamp?: string | undefined;
  readonly exe_size_of_image?: string | undefined;
  readonly exe_filename?: string | undefined;
  readonly exe_version?: string | undefined;
}

/** The debug identities that a question is about: the one it names, or those of the image it names. */
async function debugKeysOf(store: CrashStore, question: PdbQuestion): Promise<readonly DebugKey[]> {
  const { exe_guid, exe_age, exe_time_date_stamp, exe_size_of_image } = question;
  if (exe_guid !== undefined && exe_age !== undefined) {
    const guidKey = guidKeyOf(exe_guid);
    return guidKey ? [{ guidKey, age: exe_age }] : [];
  }
  if (exe_time_date_stamp !== undefined && exe_size_of_image !== undefined) {
    const timeDateStamp = hexNumber(exe_time_date_stamp);
    if (!isRealStamp(timeDateStamp)) return [];
    const images = await store.exesByImage(timeDateStamp, hexNumber(exe_size_of_image));
    return oneIdentity(store, sameImage(images, question));
  }
  const field = exe_guid === undefined ? 'exe_guid' : 'exe_age';
  const reason = 'required: give exe_guid and exe_age, or exe_time_date_stamp and exe_size_of_image';
  throw new ChsError('INVALID_INPUT', { field, reason });
}

function hexNumber(text: string): number {
  return Number.parseInt(text.replace(/^0x/i, ''), 16);
}
