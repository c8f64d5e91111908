/** Annotations: what clients and programs wrote beside a minidump or into it, and the interface of whatever keeps them. */

/** `client`: submitted beside the dump. `dump`: written into it by the program that crashed. */
export type AnnotationSource = 'client' | 'dump';

export interface Annotation {
  readonly name: string;
  readonly value: string;
  readonly source: AnnotationSource;
}

/** How much one dump may have of one source, however often its bytes are sent. */
export interface AnnotationBounds {
  readonly maxCount: number;
  /** Names and values together, in UTF-8. */
  readonly maxBytes: number;
}

/** Each method is one whole transaction. Those of a new row are written with it (`addMinidump`). */
export interface AnnotationStore {
  /**
   * Adds those whose names the dump does not have yet from the same source, as many as may be.
   *
   * @returns how many did not fit
   */
  addAnnotations(
    minidumpId: string,
    annotations: readonly Annotation[],
    bounds: AnnotationBounds,
  ): Promise<number>;
  /** Of one dump: those of clients first, then by name. */
  annotationsOf(minidumpId: string): Promise<readonly Annotation[]>;
}
