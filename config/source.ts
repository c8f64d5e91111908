/** Reads one configuration file of any accepted form: its table of sections, and the lines of its keys. */
import { open, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { jsonLines, type LineMap, lineOf, placeOf, tomlLines, yamlLines } from './locate.ts';
import { ConfigError, shown } from './problem.ts';

export const sourceBytesMax = 1_048_576;

export interface ConfigSource {
  readonly file: string;
  /** What the file holds; for package.json, what stands under its `chs` key. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The line (from 1) that sets a key, or the table around it; null for programs and where it is not found. */
  readonly lineOf: (parts: readonly string[]) => number | null;
}

interface Parsed {
  readonly data: unknown;
  readonly lines: LineMap;
  readonly prefix: readonly string[];
}

/**
 * Reads and parses a file by its name: TOML (also for unknown endings), YAML, JSON, JavaScript, `.chsrc`
 * (JSON or YAML) or the `chs` key of package.json. Throws ConfigError when it is missing, not a readable
 * file, over 1 MiB, not UTF-8, or not well formed; never with a piece of its text, which may be a secret.
 */
export async function readConfigSource(file: string): Promise<ConfigSource> {
  const text = await readLimitedText(file);
  const { data, lines, prefix } = await parse(file, text);
  if (data !== undefined && data !== null && !isTable(data)) {
    throw problem(file, null, `expected a table of sections, found ${shown(data, true)}`);
  }
  return { file, data: data ?? {}, lineOf: (parts) => lineOf(lines, [...prefix, ...parts]) };
}

/** A table as every parser gives it, which is not an array, a date or another object with behaviour. */
export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Date) && !(value instanceof Map) && !(value instanceof Set);
}

/** The text of a file without its byte order mark; ConfigError as readConfigSource says. */
export async function readLimitedText(file: string): Promise<string> {
  const bytes = await readLimitedBytes(file);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw problem(file, null, 'the file is UTF-16; save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem(file, null, 'the file is not UTF-8');
  }
}

/** Reads to the end instead of trusting the size, which is 0 for a pipe or a device. */
async function readLimitedBytes(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const chunks: Uint8Array[] = [];
      let sizeBytes = 0;
      for (;;) {
        const chunk = new Uint8Array(65_536);
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
        if (bytesRead === 0) return Buffer.concat(chunks, sizeBytes);
        sizeBytes += bytesRead;
        if (sizeBytes > sourceBytesMax) throw problem(file, null, 'the file is larger than 1 MiB');
        chunks.push(chunk.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw problem(file, null, unreadable(error));
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EISDIR') return 'this is a folder, not a file';
  if (code === 'EACCES' || code === 'EPERM') return 'the file must not be read (permission denied)';
  return `the file cannot be read (${code})`;
}

async function parse(file: string, text: string): Promise<Parsed> {
  const name = basename(file);
  if (name === 'package.json') {
    const whole = parseJson(file, text);
    return { ...whole, data: isTable(whole.data) ? whole.data.chs : undefined, prefix: ['chs'] };
  }
  if (name === '.chsrc') return /^\s*\{/.test(text) ? parseJson(file, text) : parseYaml(file, text);
  const extension = extname(name).toLowerCase();
  if (extension === '.json') return parseJson(file, text);
  if (extension === '.yaml' || extension === '.yml') return parseYaml(file, text);
  if (isProgram(file)) return { data: await runProgram(file), lines: new Map(), prefix: [] };
  return parseToml(file, text);
}

/** Whether reading the file means to run it. */
export function isProgram(file: string): boolean {
  return ['.js', '.mjs', '.cjs'].includes(extname(file).toLowerCase());
}

async function parseToml(file: string, text: string): Promise<Parsed> {
  const { parse: parseText, TomlError } = await import('smol-toml');
  try {
    return { data: parseText(text), lines: tomlLines(text), prefix: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest quotes the file, and the quoted line may hold a key.
    const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
    throw syntaxProblem(file, 'TOML', reason, error);
  }
}

function parseJson(file: string, text: string): Parsed {
  const { lines, errorOffset } = jsonLines(text);
  if (text.trim() === '') return { data: {}, lines, prefix: [] };
  try {
    return { data: JSON.parse(text), lines, prefix: [] };
  } catch {
    // The engine's own message quotes the text, and says where only in some versions.
    throw syntaxProblem(file, 'JSON', 'unexpected text', placeOf(text, errorOffset ?? text.length));
  }
}

async function parseYaml(file: string, text: string): Promise<Parsed> {
  const { defaultLoaders } = await import('cosmiconfig');
  try {
    return { data: defaultLoaders['.yaml'](file, text), lines: yamlLines(text), prefix: [] };
  } catch (error) {
    const { reason, mark } = error as { reason?: unknown; mark?: { line: number; column: number } };
    if (typeof reason !== 'string' || mark === undefined) throw problem(file, null, 'this is not YAML');
    // What YAML takes for a tag or an alias may be a key that was written without quotes.
    const safe = reason.replace(/!<.*>|".*"/gs, '...');
    throw syntaxProblem(file, 'YAML', safe, { line: mark.line + 1, column: mark.column + 1 });
  }
}

/** Runs a JavaScript configuration afresh, so that a reload sees its changes. */
async function runProgram(file: string): Promise<unknown> {
  const real = await realpath(file);
  try {
    // A CommonJS file is kept by its name, an ES module by its address: forget the one, change the other.
    delete createRequire(import.meta.url).cache[real];
    const url = pathToFileURL(real);
    url.searchParams.set('read', String(performance.timeOrigin + performance.now()));
    const loaded: { default?: unknown } = await import(url.href);
    return loaded.default;
  } catch (error) {
    // The message of a syntax error quotes the program; others may go on for many lines.
    const told = error instanceof Error && !(error instanceof SyntaxError);
    const reason = told ? `: ${error.message.split('\n')[0]}` : '';
    const kind = error instanceof Error ? error.name : 'it threw something that is no Error';
    throw problem(file, null, `the file cannot be run (${kind}${reason})`);
  }
}

function syntaxProblem(
  file: string,
  format: string,
  reason: string,
  at: { line: number; column: number },
): ConfigError {
  return problem(file, at.line, `this is not ${format}: ${reason} (line ${at.line}, column ${at.column})`);
}

function problem(file: string, line: number | null, message: string): ConfigError {
  return new ConfigError([{ file, line, key: null, message }]);
}
