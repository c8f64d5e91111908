/** What the modules of stored dumps call their files, and the interface of whatever knows it. */
import type { DebugKey } from './store.ts';

export interface SymbolNameStore {
  /** The PDBs that modules with this debug identity name, as paths of either kind or as bare names. */
  pdbNames(key: DebugKey): Promise<readonly string[]>;
  /** The modules with these numbers in their header, likewise. */
  imageNames(timeDateStamp: number, sizeOfImage: number): Promise<readonly string[]>;
}
