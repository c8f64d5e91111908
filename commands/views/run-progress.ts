/** How far a run of backups is: one line that is redrawn on a terminal, one line a step elsewhere. */
import type { Output } from '../output.ts';
import { datum } from './facts.ts';
import { progressFigures, progressLine } from './progress.ts';

export interface RunProgressView {
  step(step: string, name: string | null): void;
  /** Bytes. */
  progress(step: string, name: string | null, done: number, total: number): void;
  /** Takes the line away. */
  clear(): void;
}

const REDRAW_MS = 100;
const ERASE_LINE = '\r\u001B[K';

/** What a step is called in the sentence `copying main`; any other stands for itself. */
const WORDS: Readonly<Record<string, string>> = {
  archive: 'archiving',
  check: 'checking',
  copy: 'copying',
  cut: 'cutting',
  dump: 'dumping',
  files: 'going through stored files of',
  list: 'listing',
  load: 'loading',
  open: 'starting chs on what was restored',
  pack: 'compressing',
  pool: 'looking for files that no backup needs in',
  prune: 'pruning',
  receive: 'receiving',
  replace: 'replacing',
  restore: 'restoring',
  snapshot: 'taking a snapshot of',
  store: 'storing',
  unpack: 'unpacking',
  upload: 'uploading',
  verify: 'verifying',
};

/** `copying main` */
function stepText(step: string, name: string | null): string {
  const words = WORDS[step] ?? step;
  return datum(name === null ? words.replace(/ of$/, '') : `${words} ${name}`);
}

export function createRunProgress({ interactive, quiet, json, note }: Output): RunProgressView {
  const visible = interactive && !quiet && !json;
  let label = '';
  let startedAt = 0;
  let drawnAt = 0;
  let drawn = false;
  const draw = (figures: string): void => {
    drawn = true;
    drawnAt = Date.now();
    const room = Math.max(20, (process.stderr.columns || 80) - 1);
    const line = progressLine(label, figures, room, (text) => text.length);
    process.stderr.write(`${ERASE_LINE}${line.trimEnd()}`);
  };
  const begin = (text: string): void => {
    label = text;
    startedAt = Date.now();
    if (visible) draw('');
    else note(text);
  };
  return {
    step: (step, name) => begin(stepText(step, name)),
    progress(step, name, done, total) {
      if (!visible) return;
      const text = stepText(step, name);
      if (text !== label) begin(text);
      const now = Date.now();
      if (now - drawnAt >= REDRAW_MS) draw(progressFigures(done, total, now - startedAt));
    },
    clear() {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}
