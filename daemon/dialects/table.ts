/** Every dialect by its name. */
import type { DialectName } from '../../src/operation.ts';
import { crashDialect } from './crash.ts';
import type { Dialect } from './dialect.ts';
import { plainDialect } from './plain.ts';
import { submitDialect } from './submit.ts';
import { symbolsDialect } from './symbols.ts';
import { toolsDialect } from './tools.ts';

export const dialects = {
  crash: crashDialect,
  plain: plainDialect,
  submit: submitDialect,
  symbols: symbolsDialect,
  tools: toolsDialect,
} satisfies Record<DialectName, Dialect>;
