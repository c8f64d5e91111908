/** Every dialect by its name. */
import type { DialectName } from '../../src/operation.ts';
import { crashDialect } from './crash.ts';
import type { Dialect } from './dialect.ts';
import { plainDialect } from './plain.ts';
import { symbolsDialect } from './symbols.ts';

export const dialects: Record<DialectName, Dialect> = {
  crash: crashDialect,
  plain: plainDialect,
  symbols: symbolsDialect,
};
