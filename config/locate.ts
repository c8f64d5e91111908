/** Finds the line on which a file sets a key, so that a message can point there; a scan, not a parser. */

/** Lines (from 1) by key path; the parts of a path are joined by NUL, which no key contains. */
export type LineMap = ReadonlyMap<string, number>;

const depthMax = 64;
const bareOrQuoted = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+)/g;
const tomlHeader = /^\s*\[\[?([^\]]+)\]/;
const tomlKey =
  /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=(.*)$/;
const yamlKey = /^( *)(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_.-]+))\s*:(?:\s|$)/;

/** The line of a key, or of the nearest table above it that has one; null when neither is found. */
export function lineOf(lines: LineMap, parts: readonly string[]): number | null {
  for (let length = parts.length; length > 0; length -= 1) {
    const line = lines.get(parts.slice(0, length).join('\0'));
    if (line !== undefined) return line;
  }
  return null;
}

/** Headers and keys of a TOML text. Inline tables are found by the key in front of them. */
export function tomlLines(text: string): LineMap {
  const lines = new Map<string, number>();
  let table: readonly string[] = [];
  let closing: string | null = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (closing !== null) {
      if (line.includes(closing)) closing = null;
      continue;
    }
    const header = tomlHeader.exec(line)?.[1];
    const [, key, value = ''] = tomlKey.exec(line) ?? [];
    if (header !== undefined && key === undefined) {
      table = keyParts(header);
      setFirst(lines, table, index + 1);
    } else if (key !== undefined) {
      setFirst(lines, [...table, ...keyParts(key)], index + 1);
      closing = opensMultiLine(value);
    }
  }
  return lines;
}

/** Keys of a YAML text in block style, told apart by their indentation. */
export function yamlLines(text: string): LineMap {
  const lines = new Map<string, number>();
  const open: { indent: number; key: string }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const match = yamlKey.exec(line);
    if (!match) continue;
    const indent = match[1]?.length ?? 0;
    while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
    open.push({ indent, key: match[2] ?? match[3] ?? match[4] ?? '' });
    setFirst(
      lines,
      open.map(({ key }) => key),
      index + 1,
    );
  }
  return lines;
}

/** Keys of a JSON text (RFC 8259), and the offset at which it stops being JSON (null when it is whole). */
export function jsonLines(text: string): { lines: LineMap; errorOffset: number | null } {
  const lines = new Map<string, number>();
  const token =
    /\s*(?:([{}[\],:])|("(?:[^"\\\n]|\\.)*")|(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|$)/y;
  const space = /\s*/y;
  let lineStart = 0;
  let line = 1;
  const next = (): { text: string; start: number } | null => {
    space.lastIndex = token.lastIndex;
    space.test(text);
    const from = space.lastIndex;
    const match = token.exec(text);
    if (!match) {
      token.lastIndex = from;
      return null;
    }
    const found = match[1] ?? match[2] ?? match[3] ?? '';
    return { text: found, start: token.lastIndex - found.length };
  };
  const lineAt = (offset: number): number => {
    for (; lineStart < offset; lineStart += 1) if (text[lineStart] === '\n') line += 1;
    return line;
  };
  // Reads one value and whether it was well formed; keys are noted on the way.
  const value = (path: readonly string[]): boolean => {
    const first = next();
    if (first === null || path.length > depthMax) return false;
    if (first.text !== '{' && first.text !== '[') return /^["tfn\d-]/.test(first.text) || reject(first.start);
    const close = first.text === '{' ? '}' : ']';
    for (let count = 0; ; count += 1) {
      const before = token.lastIndex;
      const item = next();
      if (item === null) return false;
      if (item.text === close && count === 0) return true;
      let inner = [...path, String(count)];
      if (close === '}') {
        if (!item.text.startsWith('"')) return reject(item.start);
        inner = [...path, unquoted(item.text)];
        lines.set(inner.join('\0'), lineAt(item.start));
        const colon = next();
        if (colon?.text !== ':') return reject(colon?.start ?? token.lastIndex);
      } else {
        token.lastIndex = before;
      }
      if (!value(inner)) return false;
      const after = next();
      if (after?.text === close) return true;
      if (after?.text !== ',') return reject(after?.start ?? token.lastIndex);
    }
  };
  const reject = (offset: number): false => {
    token.lastIndex = offset;
    return false;
  };
  const whole = value([]) && next()?.text === '';
  return { lines, errorOffset: whole ? null : token.lastIndex };
}

/** Line and column (both from 1) of an offset; the column counts UTF-16 units, as editors do. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

function keyParts(text: string): string[] {
  return [...text.matchAll(bareOrQuoted)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
}

function opensMultiLine(value: string): string | null {
  for (const mark of ['"""', "'''"]) {
    if (value.trimStart().startsWith(mark) && !value.trimStart().slice(3).includes(mark)) return mark;
  }
  return null;
}

/** A key that stands twice is wrong anyway; what merely looks like one, in a block of text, comes later. */
function setFirst(lines: Map<string, number>, parts: readonly string[], line: number): void {
  const key = parts.join('\0');
  if (!lines.has(key)) lines.set(key, line);
}
