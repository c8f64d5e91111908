/** Puts an answer together within so many tokens, and says what was left out and which call gets it. */
import { cutTo, weightOf } from './tokens.ts';

export const MAX_TOKENS = { min: 200, default: 4_000, max: 100_000 } as const;

/** A call as a model makes it. */
export interface NextCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Something that the answer does not show, with the call that does. */
export interface LeftOut {
  readonly text: string;
  readonly call: NextCall | null;
}

export interface Section {
  readonly title: string | null;
  /** Lines or small groups of lines, the most important first, unless there is a middle. */
  readonly items: readonly string[];
  /** The part of the room that it may take when there is not enough for all: 0 to 1. The last takes what is left. */
  readonly share: number;
  /** The item to keep rather than those farther away from it. */
  readonly middle?: number;
}

/** The items of a section that are shown: [from, to). */
export interface Shown {
  readonly from: number;
  readonly to: number;
}

/** A reply as text, before anything is left out. */
export interface Rendered {
  readonly head: readonly string[];
  readonly sections: readonly Section[];
  /**
   * @param shown one range a section
   * @param neededTokens what the whole would take
   */
  leftOut(shown: readonly Shown[], neededTokens: number): readonly LeftOut[];
}

/** What one item may take of the room at most, so that one endless line does not take it all. */
const ITEM_SHARE_MAX = 0.3;
/** What the calls that get the rest may take. */
const REST_SHARE_MAX = 0.45;
/** A head line beyond this says nothing more to a reader. */
const HEAD_SHARE_MAX = 0.2;

/** @returns a text of at most `maxTokens` tokens, by the estimate of tokens.ts */
export function composeAnswer(rendered: Rendered, maxTokens: number): string {
  const all = rendered.sections.map(({ items }) => ({ from: 0, to: items.length }));
  const whole = assemble(rendered, all, restText(rendered.leftOut(all, 0), null));
  if (weightOf(whole) <= maxTokens) return whole;
  const neededTokens = Math.min(MAX_TOKENS.max, Math.ceil(weightOf(whole) * 1.1) + 100);
  const head = rendered.head.map((line) => cutTo(line, maxTokens * HEAD_SHARE_MAX));
  const itemMax = Math.max(30, maxTokens * ITEM_SHARE_MAX);
  const sections = rendered.sections.map((section) => ({
    ...section,
    items: section.items.map((item) => cutTo(item, itemMax)),
  }));
  const bounded = { ...rendered, head, sections };
  const nothing = sections.map(() => ({ from: 0, to: 0 }));
  const rest = (shown: readonly Shown[]): string =>
    restText(rendered.leftOut(shown, neededTokens), maxTokens * REST_SHARE_MAX);
  let room = maxTokens - weightOf(assemble(bounded, nothing, rest(nothing))) - 2;
  for (;;) {
    const shown = fill(sections, Math.max(0, room));
    const text = assemble(bounded, shown, rest(shown));
    if (weightOf(text) <= maxTokens) return text;
    if (room <= 0) return cutTo(text, maxTokens);
    room = room * 0.9 - 5;
  }
}

/** Which items fit, section by section. */
function fill(sections: readonly Section[], room: number): Shown[] {
  let left = room;
  return sections.map((section, index) => {
    const { items, share, title } = section;
    const last = index === sections.length - 1;
    const budget = (last ? left : Math.min(left, room * share)) - (title === null ? 0 : lineWeight(title));
    const shown = items.length === 0 ? { from: 0, to: 0 } : fillOne(section, budget);
    if (shown.to > shown.from) {
      const taken = items.slice(shown.from, shown.to).reduce((sum, item) => sum + lineWeight(item), 0);
      left -= taken + (title === null ? 0 : lineWeight(title));
    }
    return shown;
  });
}

function fillOne({ items, middle = 0 }: Section, budget: number): Shown {
  let from = middle;
  let to = middle;
  let left = budget;
  const take = (index: number): boolean => {
    const item = items[index];
    if (item === undefined || lineWeight(item) > left) return false;
    left -= lineWeight(item);
    return true;
  };
  let upward = true;
  let downward = true;
  while (upward || downward) {
    downward = downward && take(to);
    if (downward) to += 1;
    upward = upward && from > 0 && take(from - 1);
    if (upward) from -= 1;
    if (to === from) break;
  }
  return { from, to };
}

function lineWeight(line: string): number {
  return weightOf(line) + weightOf('\n');
}

function assemble({ head, sections }: Rendered, shown: readonly Shown[], rest: string): string {
  const parts = [head.join('\n')];
  sections.forEach(({ title, items }, index) => {
    const { from, to } = shown[index] ?? { from: 0, to: 0 };
    if (to === from) return;
    parts.push([...(title === null ? [] : [title]), ...items.slice(from, to)].join('\n'));
  });
  if (rest !== '') parts.push(rest);
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A call whose arguments are too long to be repeated is said in words: whoever made it has them. */
function restText(leftOut: readonly LeftOut[], weightMax: number | null): string {
  if (leftOut.length === 0) return '';
  const lines = leftOut.map(({ text, call }) => (call ? `- ${text}: ${callText(call)}` : `- ${text}`));
  const text = ['Left out, and the call that gets it:', ...lines].join('\n');
  if (weightMax === null || weightOf(text) <= weightMax) return text;
  const short = leftOut.map(({ text, call }) => (call ? `- ${text}: ${shortCall(call)}` : `- ${text}`));
  return ['Left out:', ...short].join('\n');
}

function callText({ tool, args }: NextCall): string {
  return `${tool} ${JSON.stringify(args)}`;
}

function shortCall({ tool, args }: NextCall): string {
  const { max_tokens: maxTokens } = args;
  const more = typeof maxTokens === 'number' ? maxTokens : MAX_TOKENS.default;
  return `${tool} with the same arguments and "max_tokens":${more}`;
}
