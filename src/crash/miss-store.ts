/** Symbols that debuggers asked for in vain, and the interface of whatever keeps them. */

/** One file under one key, however often it was asked for. */
export interface SymbolMiss {
  /** As `comparableName` gives it. */
  readonly file: string;
  /** In upper case. */
  readonly key: string;
  readonly requestCount: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface MissStore {
  /**
   * Adds to what is known. Of more than `rowsMax` in all, those that were asked for longest ago go.
   *
   * @param misses each file and key at most once
   */
  record(misses: readonly SymbolMiss[], rowsMax: number): Promise<void>;
  /** What is asked for most comes first. */
  list(page: { readonly limit: number }): Promise<readonly SymbolMiss[]>;
}
