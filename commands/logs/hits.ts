/** Hits as lines: `file:line:content`, with the lines around them, each once, as grep prints them. */
import { pathToFileURL } from 'node:url';
import type * as z from 'zod';
import type { hit } from '../../src/logs/fields.ts';
import type { Output } from '../output.ts';
import type { Highlighter } from './highlight.ts';

export type Hit = z.output<ReturnType<typeof hit>>;

export interface HitPrinter {
  print(hit: Hit): void;
  /** The lines after the last hit, which the next hit would have cut short. */
  end(): void;
}

export interface HitPrinterOptions {
  readonly out: Output;
  readonly highlight: Highlighter;
  readonly shown: (file: string) => string;
  readonly hasContext: boolean;
  /** Make file names links that terminals open. */
  readonly links: boolean;
}

interface Line {
  readonly file: string;
  readonly number: number;
  readonly text: string;
  readonly isHit: boolean;
}

export function createHitPrinter(options: HitPrinterOptions): HitPrinter {
  const { out, hasContext } = options;
  const name = namesOf(options);
  let last: { file: string; number: number } | null = null;
  let pending: Line[] = [];

  const put = ({ file, number, text, isHit }: Line): void => {
    const isNext = last !== null && last.file === file && number === last.number + 1;
    if (hasContext && last !== null && !isNext) out.line(out.style.dim('--'));
    last = { file, number };
    const mark = out.style.dim(isHit ? ':' : '-');
    const shown = isHit
      ? options.highlight(safe(text), (match) => out.style.bold(out.style.red(match)))
      : safe(text);
    out.line(`${name(file)}${mark}${out.style.green(String(number))}${mark}${shown}`);
  };
  const putNew = (line: Line): void => {
    if (last === null || last.file !== line.file || line.number > last.number) put(line);
  };

  return {
    print(hit) {
      const lines = linesOf(hit);
      const first = lines[0];
      for (const line of pending)
        if (first === undefined || line.file !== first.file || line.number < first.number) putNew(line);
      pending = [];
      for (const line of lines) {
        if (line.isHit) put(line);
        else if (line.number < hit.line_number) putNew(line);
        else pending.push(line);
      }
    },
    end() {
      for (const line of pending) putNew(line);
      pending = [];
    },
  };
}

/** The line, those before and after it; of a whole event all its lines are part of the hit. */
function linesOf(hit: Hit): Line[] {
  const { file, line_number: at } = hit;
  const own = hit.content.split('\n');
  const line = (text: string, number: number, isHit: boolean): Line => ({ file, number, text, isHit });
  return [
    ...hit.context_before.map((text, index) => line(text, at - hit.context_before.length + index, false)),
    ...own.map((text, index) => line(text, at + index, true)),
    ...hit.context_after.map((text, index) => line(text, at + own.length + index, false)),
  ];
}

/** The text of a line without what could move the cursor; tabs stay. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    character === '\t' ? character : character === '\r' ? '' : '\uFFFD',
  );
}

/** The name before each line; on a terminal, a link to the file (OSC 8). */
function namesOf({ out, shown, links }: HitPrinterOptions): (file: string) => string {
  if (!links) return (file) => out.style.dim(shown(file));
  return (file) => `\u001B]8;;${pathToFileURL(file)}\u001B\\${out.style.dim(shown(file))}\u001B]8;;\u001B\\`;
}
