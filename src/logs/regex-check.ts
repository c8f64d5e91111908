/** A dry run of a regular expression: whether it is valid, and what it finds in some lines. */
import { setImmediate } from 'node:timers/promises';
import type { Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { FindingLimits } from './finding.ts';
import type { logOperations } from './operations.ts';
import { groupNames } from './search/grouped-regex.ts';
import { compileRegex } from './search/line-matcher.ts';

type RegexCheck = Pick<Handlers<typeof logOperations>, 'validateRegex'>;
type Expression = ReturnType<typeof compileRegex>;

export function createRegexCheck(limits: Pick<FindingLimits, 'regexTimeoutMs'>): RegexCheck {
  return {
    async validateRegex({ regex, samples, case_sensitive }) {
      let compiled: Expression;
      let names: string[];
      try {
        const compile = (source: string) => compileRegex(source, { caseSensitive: case_sensitive });
        compiled = compile(regex);
        names = groupNames(regex, compile);
      } catch (error) {
        if (!(error instanceof ChsError)) throw error;
        return { valid: false, error: String(error.params.reason), groups: [], results: [] };
      }
      const results: ReturnType<typeof tried>[] = [];
      for (const sample of samples) {
        const result = tried(compiled, names, sample);
        // The next one would take as long.
        if (result.ms > limits.regexTimeoutMs)
          throw new ChsError('REGEX_TIMEOUT', { limit: limits.regexTimeoutMs });
        results.push(result);
        // Others wait for one sample at most.
        await setImmediate();
      }
      return { valid: true, error: null, groups: names, results };
    },
  };
}

function tried(compiled: Expression, names: readonly string[], sample: string) {
  const startedMs = performance.now();
  const match = compiled.exec(sample);
  const ms = performance.now() - startedMs;
  const groups = Object.fromEntries(names.map((name, index) => [name, match?.[index + 1] ?? null]));
  return {
    matched: match !== null,
    match: match?.[0] ?? null,
    start: match?.index ?? null,
    groups: match ? groups : {},
    ms: Math.round(ms * 1000) / 1000,
  };
}
