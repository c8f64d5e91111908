/** How the configuration reports what is wrong with it: problems with a place, values without their secrets. */
import type { Origin } from './environment.ts';

export interface ConfigProblem {
  readonly file: string | null;
  /** Counted from 1; null where the place is not known. */
  readonly line: number | null;
  /** Dotted key; null where the whole file is meant. */
  readonly key: string | null;
  readonly message: string;
}

/** What else is known of a configuration that cannot be used. */
export interface ConfigContext {
  readonly file: string | null;
  readonly warnings: readonly string[];
  /** Keys that are set and that nothing in this version reads. */
  readonly inertKeys: readonly string[];
}

/** The configuration cannot be used; `message` joins the problems, one a line, each with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  readonly file: string | null;
  readonly warnings: readonly string[];
  readonly inertKeys: readonly string[];

  constructor(
    problems: readonly ConfigProblem[],
    context: ConfigContext = { file: null, warnings: [], inertKeys: [] },
  ) {
    super(problems.map((problem) => atPlace(problem.file, problem.line, problem.message)).join('\n'));
    this.problems = problems;
    this.file = context.file;
    this.warnings = context.warnings;
    this.inertKeys = context.inertKeys;
  }
}

/** "file:line: message", as compilers and editors write it. */
export function atPlace(file: string | null, line: number | null, message: string): string {
  if (file === null) return message;
  return line === null ? `${file}: ${message}` : `${file}:${line}: ${message}`;
}

/** A problem with a value, at the place where it was set. */
export function problemAt(origin: Origin, key: string, message: string): ConfigProblem {
  if (origin.kind === 'file') return { file: origin.file, line: origin.line, key, message };
  const from =
    origin.kind === 'env' ? `environment variable ${origin.name}: ` : origin.kind === 'flag' ? 'flag: ' : '';
  return { file: null, line: null, key, message: `${from}${message}` };
}

/** A value as a message may show it: short, on one line, a secret only by its type. */
export function shown(value: unknown, secret: boolean): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'string') return secret ? 'text' : quoted(value);
  if (typeof value === 'number' || typeof value === 'bigint') return secret ? 'a number' : String(value);
  if (typeof value === 'boolean') return secret ? 'true or false' : String(value);
  return typeof value === 'object' ? 'a table' : `a ${typeof value}`;
}

function quoted(text: string): string {
  const open = withoutPassword(text);
  return JSON.stringify(open.length > 60 ? `${open.slice(0, 60)}...` : open);
}

/** A URL may carry a user and a password before its host; neither is shown. */
function withoutPassword(text: string): string {
  const start = text.indexOf('//');
  const end = text.lastIndexOf('@');
  return start !== -1 && end > start ? `${text.slice(0, start)}//...${text.slice(end)}` : text;
}

/** The candidate that `name` most likely meant, or null when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance && distance * 2 < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance by rows, two letters swapped counting once; `limit` when it is that or more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let twoAbove: readonly number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          (above[column - 1] ?? 0) + (same ? 0 : 1),
          (above[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          swapped ? (twoAbove[column - 2] ?? limit) + 1 : limit,
        ),
      );
    }
    twoAbove = above;
    above = current;
  }
  return Math.min(above[b.length] ?? limit, limit);
}
