/** The sections of a PE image: which part of the file an address in the image comes from. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';

/** A PE file as its loader sees it: addresses in the image lead to offsets in the file. */
export interface MappedImage {
  readonly sizeBytes: number;
  /** Where an RVA lies in the file; null when the file does not hold it. */
  fileOffsetOf(rva: number): number | null;
  warn(text: string): void;
}

/** Where the section table is, and what the headers say of how files are laid out. */
export interface SectionTable {
  readonly offset: number;
  readonly count: number;
  readonly fileAlignment: number;
  readonly sizeOfHeaders: number;
}

interface Section {
  readonly rva: number;
  readonly fileOffset: number;
  readonly fileBytes: number;
}

const SECTION_BYTES = 40;
/** Objects may have 65,279 sections; of images even strange ones have fewer than this. */
const SECTIONS_MAX = 1024;
/** What "PE Format" says that the Windows loader takes. */
const LOADER_SECTIONS_MAX = 96;
/** The loader reads whole sectors, and takes smaller alignments as they are. */
const SECTOR_BYTES = 512;

/**
 * Reads the section table of an image of `sizeBytes` bytes, at most 1024 sections of it.
 * Follows "PE Format" (Microsoft), section table.
 * @throws FormatError 'pe' when the file ends inside the table.
 */
export function* mapSections(
  table: SectionTable,
  sizeBytes: number,
  warn: (text: string) => void,
): Parsing<MappedImage> {
  const sections = yield* readSections(table, sizeBytes, warn);
  const fileOffsetOf = (rva: number): number | null => {
    const section = sectionOf(rva, sections);
    if (!section && rva >= table.sizeOfHeaders) return null;
    const offset = section ? section.fileOffset + (rva - section.rva) : rva;
    return offset < sizeBytes ? offset : null;
  };
  return { sizeBytes, fileOffsetOf, warn };
}

function* readSections(
  { offset, count, fileAlignment }: SectionTable,
  sizeBytes: number,
  warn: (text: string) => void,
): Parsing<readonly Section[]> {
  const there = Math.max(0, Math.floor((sizeBytes - offset) / SECTION_BYTES));
  // A count that no loader takes may be wrong; what is there of the table is then all that can be had.
  if (there < Math.min(count, LOADER_SECTIONS_MAX)) {
    throw new FormatError('pe', offset, 'truncated inside the section table');
  }
  const read = Math.min(count, there, SECTIONS_MAX);
  if (count > LOADER_SECTIONS_MAX) {
    const seen = read < count ? `; only the first ${read} were looked at` : '';
    warn(
      `claims ${count} sections, above the Windows loader's documented limit of ${LOADER_SECTIONS_MAX}${seen}`,
    );
  }
  const table = viewOf(yield { offset, length: read * SECTION_BYTES });
  const sections: Section[] = [];
  for (let at = 0; at < table.byteLength; at += SECTION_BYTES) {
    const fileBytes = table.getUint32(at + 16, true);
    const pointer = table.getUint32(at + 20, true);
    const fileOffset = fileAlignment < SECTOR_BYTES ? pointer : pointer - (pointer % SECTOR_BYTES);
    sections.push({ rva: table.getUint32(at + 12, true), fileOffset, fileBytes });
    if (fileBytes > 0 && fileOffset + fileBytes > sizeBytes) {
      warn('a section lies beyond the end of the file: it is truncated or damaged');
    }
  }
  return sections;
}

/** Raw data may be longer than its section, whose successor then lies above it: the nearest start counts. */
function sectionOf(rva: number, sections: readonly Section[]): Section | undefined {
  let found: Section | undefined;
  for (const section of sections) {
    const holds = rva >= section.rva && rva - section.rva < section.fileBytes;
    if (holds && !(found && found.rva >= section.rva)) found = section;
  }
  return found;
}
