/** How much may be written beside a minidump: counted wherever annotations come in, whatever they come in. */
import { ChsError } from './errors.ts';
import { readableSize } from './size.ts';

/** The settings of the same names. */
export interface AnnotationLimits {
  readonly maxCount: number;
  /** Names and values together, in UTF-8. */
  readonly maxBytes: number;
  readonly maxNameBytes: number;
}

export interface AnnotationCounter {
  /** What names and values may still take, in bytes. */
  readonly bytesLeft: number;
  /** Whether one more fits. */
  fits(name: string, valueBytes: number): boolean;
  /** @throws ChsError ANNOTATION_LIMIT for one that does not fit; then it is not counted */
  add(name: string, valueBytes: number): void;
}

export function createAnnotationCounter(limits: AnnotationLimits): AnnotationCounter {
  let count = 0;
  let bytes = 0;
  const excess = (name: string, valueBytes: number): string | null => {
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > limits.maxNameBytes)
      return `a name of more than ${limits.maxNameBytes} bytes (limits.max_annotation_name_bytes)`;
    if (count + 1 > limits.maxCount) return `more than ${limits.maxCount} of them (limits.max_annotations)`;
    if (bytes + nameBytes + valueBytes <= limits.maxBytes) return null;
    return `names and values of more than ${readableSize(limits.maxBytes)} (limits.max_annotations_size)`;
  };
  return {
    get bytesLeft() {
      return limits.maxBytes - bytes;
    },
    fits: (name, valueBytes) => excess(name, valueBytes) === null,
    add(name, valueBytes) {
      const reason = excess(name, valueBytes);
      if (reason !== null) throw new ChsError('ANNOTATION_LIMIT', { reason });
      count += 1;
      bytes += Buffer.byteLength(name) + valueBytes;
    },
  };
}
