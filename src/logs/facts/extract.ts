/** Reads facts out of lines by rules. */
import { groupNames } from '../search/grouped-regex.ts';
import { type FactRule, placeOf, wrong } from './rules.ts';

/** Makes a regular expression of a pattern; RE2's, so that no pattern takes more than linear time. */
export type CompilePattern = (pattern: string, flags: string) => RegExp;

/** A rule whose regex is ready: `regex` is global. */
export interface CompiledRule {
  readonly rule: FactRule;
  readonly regex: RegExp;
}

/** What a line says by a rule. */
export interface Fact {
  readonly rule_name: string;
  readonly fields: Record<string, string>;
  readonly source_hit_id: string;
}

export const factLimits = {
  /** Of one rule in one line; the first ones count. */
  matchesPerLineMax: 20,
  factsMax: 20_000,
  /** Of a line; the rest is not looked at. */
  contentCharsMax: 65_536,
  valueCharsMax: 2000,
} as const;

/** The field of a rule that names no groups: its whole match. */
const WHOLE_MATCH = 'match';

/** Compiles rules. Throws CONFIG_ERROR that names the rule when its pattern is no RE2 or has too few groups. */
export function compileFactRules(rules: readonly FactRule[], compile: CompilePattern): CompiledRule[] {
  return rules.map((rule) => {
    const regex = compileFor(rule, compile);
    const groups = groupNames(rule.pattern, (source) => compile(source, 'u')).length;
    if (rule.fields.length > groups)
      throw wrong(placeOf(rule), `it has ${rule.fields.length} fields, but its pattern ${groups} groups`);
    return { rule, regex };
  });
}

/** Compiles one rule's pattern, for all matches in a text. */
export function compileFor(
  rule: { readonly source: string; readonly name: string; readonly pattern: string },
  compile: CompilePattern,
): RegExp {
  try {
    return compile(rule.pattern, 'gu');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(placeOf(rule), `its pattern is not RE2: ${error.message}`, error);
  }
}

/**
 * The facts of `hits` by `rules`, or those named only: hits in their order, rules in theirs, matches from left to
 * right. Equal facts of a line are given once. Bounded by `factLimits`.
 */
export function extractFacts(
  rules: readonly CompiledRule[],
  hits: readonly { readonly id: string; readonly content: string }[],
  namesWanted?: readonly string[],
): Fact[] {
  const wanted = namesWanted ? new Set(namesWanted) : null;
  const used = wanted ? rules.filter(({ rule }) => wanted.has(rule.name)) : rules;
  const facts: Fact[] = [];
  for (const hit of hits) {
    const content = hit.content.slice(0, factLimits.contentCharsMax);
    const seen = new Set<string>();
    for (const rule of used) {
      for (const fields of matchesOf(rule, content)) {
        const same = JSON.stringify([rule.rule.name, fields]);
        if (seen.has(same)) continue;
        seen.add(same);
        facts.push({ rule_name: rule.rule.name, fields, source_hit_id: hit.id });
        if (facts.length === factLimits.factsMax) return facts;
      }
    }
  }
  return facts;
}

function* matchesOf({ rule, regex }: CompiledRule, content: string): Generator<Record<string, string>> {
  regex.lastIndex = 0;
  for (let count = 0; count < factLimits.matchesPerLineMax; count += 1) {
    const match = regex.exec(content);
    if (!match) return;
    // A match of nothing would be found at the same place for ever.
    if (match[0] === '') regex.lastIndex += 1;
    const fields = fieldsOf(rule, match);
    if (fields) yield fields;
    if (regex.lastIndex > content.length) return;
  }
}

/** Groups that took no part have no field; null when none took part. */
function fieldsOf(rule: FactRule, match: RegExpExecArray): Record<string, string> | null {
  const entries: [string, string][] = [];
  rule.fields.forEach((field, index) => {
    const value = match[index + 1];
    if (value !== undefined && value !== '') entries.push([field, cut(value)]);
  });
  for (const [name, value] of Object.entries(match.groups ?? {})) {
    // A group may be named and in `fields` too: its own name is then only another word for it.
    if (typeof value !== 'string' || value === '' || rule.fields.includes(name)) continue;
    if (!rule.fields.some((_, index) => match[index + 1] === value)) entries.push([name, cut(value)]);
  }
  const isWhole = rule.fields.length === 0 && match.groups === undefined;
  if (isWhole && match[0] !== '') entries.push([WHOLE_MATCH, cut(match[0])]);
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}

function cut(value: string): string {
  return value.length > factLimits.valueCharsMax ? `${value.slice(0, factLimits.valueCharsMax - 1)}…` : value;
}
