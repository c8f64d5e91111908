/** Takes the one symbol file out of a cabinet (`.pd_`, `.ex_`, `.dl_`), which symbol stores compress into. */
import type { BlobStore, StagedBlob } from '../../platform/blobs.ts';
import { ChsError } from '../../platform/errors.ts';
import { FormatError, parseSource } from '../formats/bytes.ts';
import { parseCabinet, unpackCabinet } from '../formats/cab.ts';
import { baseName } from '../names.ts';
import type { FileKind } from '../store.ts';
import { checkSize, guardFirstBytes } from './guard.ts';
import type { IntakeLimits, Kind } from './kind.ts';

/**
 * Stages what is inside a staged cabinet. The size limit of the kind holds for all that is unpacked.
 *
 * @throws ChsError UNSUPPORTED_FORMAT when the cabinet is damaged, holds several files, or a cabinet
 * @throws ChsError FILE_TOO_LARGE
 */
export async function unpackStaged<K extends FileKind, Input>(
  blobs: BlobStore,
  cabinet: StagedBlob,
  kind: Kind<K, Input>,
  limits: IntakeLimits,
  signal: AbortSignal,
): Promise<{ blob: StagedBlob; name: string }> {
  try {
    const parsed = await parseSource(cabinet, parseCabinet(cabinet.sizeBytes));
    const [file, ...others] = parsed.files;
    if (!file || others.length > 0) {
      throw new ChsError('UNSUPPORTED_FORMAT', {
        reason: `a cabinet of one file is needed, not of ${parsed.files.length}`,
      });
    }
    // What lies before the file in its folder has to be unpacked with it.
    checkSize(kind, limits, file.offsetInFolder + file.sizeBytes);
    const guard = guardFirstBytes(kind, limits);
    const blob = await blobs.stage(unpackCabinet(cabinet, parsed, file), { inspect: guard.inspect, signal });
    try {
      if (guard.finish() === 'cabinet')
        throw new ChsError('UNSUPPORTED_FORMAT', { reason: 'a cabinet in a cabinet' });
    } catch (error) {
      await blob.discard();
      throw error;
    }
    return { blob, name: baseName(file.name) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ChsError('UNSUPPORTED_FORMAT', { reason: error.message }, { cause: error });
  }
}
