/** Looks for the configuration file: upward from the current folder, then in the user's own folder. */
import { type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configSections } from './keys.ts';
import { ConfigError } from './problem.ts';
import { isProgram, isTable, readLimitedText } from './source.ts';

const sharedName = join('config', 'config.toml');

/** What is looked for in each folder, in this order. */
export const candidateNames: readonly string[] = [
  sharedName,
  ...['toml', 'yaml', 'yml', 'json', 'js', 'mjs', 'cjs'].map((ending) => `chs.config.${ending}`),
  '.chsrc',
  ...['toml', 'yaml', 'yml', 'json', 'js'].map((ending) => `.chsrc.${ending}`),
  'package.json',
];

const foldersMax = 64;

export interface SearchResult {
  readonly file: string | null;
  /** For the user: a file that was meant, perhaps, and is not used. */
  readonly warnings: readonly string[];
  /** For a log at level debug: files that belong to something else. */
  readonly notes: readonly string[];
}

/**
 * The first file upward from `cwd` that is ours. The walk ends at the home folder, or at the file system's root
 * for a folder outside it. What is there but not ours never fails: it is noted and the walk goes on.
 */
export async function findConfigFile(cwd: string, home: string): Promise<SearchResult> {
  const warnings: string[] = [];
  const notes: string[] = [];
  // Plain stat calls, 15 a folder and about 1 ms in all. Searching with cosmiconfig would cost every command its
  // import, 20 ms, found or not; its loaders are imported only for a YAML file (source.ts).
  for (const folder of foldersUpward(cwd, home)) {
    for (const name of candidateNames) {
      const file = join(folder, name);
      const stats = statsOf(file);
      if (stats === null) continue;
      const putByUs = folder === resolve(cwd) && isOurs(folder);
      const verdict = await judge({ file, name, stats, putByUs });
      if (verdict === 'ours') return { file, warnings, notes };
      if (verdict === 'unrelated') continue;
      if (verdict.warn) warnings.push(`${file} is not used: ${verdict.reason}`);
      else notes.push(`${file} is not ours: ${verdict.reason}`);
    }
  }
  return { file: null, warnings, notes };
}

interface Candidate {
  readonly file: string;
  readonly name: string;
  readonly stats: Stats;
  /** In the current folder, which nobody else may write to. */
  readonly putByUs: boolean;
}

type Verdict = 'ours' | 'unrelated' | { readonly reason: string; readonly warn: boolean };

async function judge({ file, name, stats, putByUs }: Candidate): Promise<Verdict> {
  if (!stats.isFile()) return { reason: 'it is not a file', warn: false };
  if (name === 'package.json' && !(await hasChsKey(file))) return 'unrelated';
  if (name === sharedName) {
    const verdict = await judgeShared(file);
    if (verdict !== 'ours') return verdict;
  }
  // Where others may write (/tmp), theirs must not choose the server that our key is sent to. In a folder of
  // ours it was put there by us: the configuration of the host, say, mounted into a container.
  if (isForeign(stats) && (!putByUs || isProgram(file))) {
    return { reason: 'it belongs to another user; name it with --config to use it', warn: true };
  }
  return 'ours';
}

/** A name that other programs use too: ours if it has one of our sections. */
async function judgeShared(file: string): Promise<Verdict> {
  try {
    const text = await readLimitedText(file);
    return hasOurTable(text) ? 'ours' : { reason: 'it has none of our sections', warn: false };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { reason: error.problems[0]?.message ?? 'it cannot be read', warn: true };
  }
}

async function hasChsKey(file: string): Promise<boolean> {
  try {
    const text = await readLimitedText(file);
    if (!text.includes('"chs"')) return false;
    const data: unknown = JSON.parse(text);
    return isTable(data) && isTable(data.chs);
  } catch {
    // Broken, huge or unreadable: whoever uses it will hear of it from others.
    return false;
  }
}

/** By the text, not by parsing it: ours with a slip in it has to be reported, not passed over. */
function hasOurTable(text: string): boolean {
  const names = [...configSections.keys()].filter((name) => !name.includes('.')).join('|');
  return new RegExp(
    `^[ \\t]*(?:\\[[ \\t]*"?(?:${names})"?[ \\t]*[.\\]]|(?:${names})[ \\t]*(?:\\.|=[ \\t]*\\{))`,
    'm',
  ).test(text);
}

/** Null also where a folder on the way must not be entered, or is none: what cannot be seen is not found. */
function statsOf(file: string): Stats | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** Neither ours nor root's. Where files have no owner number (Windows), never. */
function isForeign(stats: Stats): boolean {
  const uid = process.getuid?.();
  return uid !== undefined && stats.uid !== uid && stats.uid !== 0;
}

const WRITABLE_BY_OTHERS = 0o022;

function isOurs(folder: string): boolean {
  const stats = statsOf(folder);
  return stats !== null && !isForeign(stats) && (stats.mode & WRITABLE_BY_OTHERS) === 0;
}

function foldersUpward(cwd: string, home: string): string[] {
  const folders: string[] = [];
  const last = resolve(home);
  for (let folder = resolve(cwd); folders.length < foldersMax; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === last || folder === dirname(folder)) break;
  }
  return folders;
}
