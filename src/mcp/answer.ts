/** Puts an answer together within so many tokens, and says what was left out and which call gets it. */
import { cutTo, endedAt, weightOf } from './tokens.ts';

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
  /** All of it comes before any of what follows: items are shortened rather than left out. */
  readonly isWhole?: boolean;
  /** Of a whole section, its items in fewer words, whose ends say least. */
  readonly brief?: readonly string[];
}

/** The items of a section that are shown: [from, to). */
export interface Shown {
  readonly from: number;
  readonly to: number;
}

/** A reply as text, before anything is left out. */
export interface Rendered {
  /** The call that gave it; null where nothing can be left out. */
  readonly call: NextCall | null;
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
/** The same for all items together, where they are few. */
const FEW_ITEMS_SHARE = 0.8;
/** What the calls that get the rest may take. */
const REST_SHARE_MAX = 0.45;
/** What one call may take that gets all of the rest. */
const ONE_CALL_SHARE_MAX = 0.6;
/** An item of a whole section that is shortened further says nothing. */
const BRIEF_MIN = 8;
/** A head line beyond this says nothing more to a reader. */
const HEAD_SHARE_MAX = 0.2;

/** @returns a text of at most `maxTokens` tokens, by the estimate of tokens.ts */
export function composeAnswer(rendered: Rendered, maxTokens: number): string {
  const all = rendered.sections.map(({ items }) => ({ from: 0, to: items.length }));
  const whole = assemble(rendered, all, restText(rendered.leftOut(all, 0), null));
  if (weightOf(whole) <= maxTokens) return whole;
  const neededTokens = Math.min(MAX_TOKENS.max, Math.ceil(weightOf(whole) * 1.1) + 100);
  const head = rendered.head.map((line) => cutTo(line, maxTokens * HEAD_SHARE_MAX));
  const rest = (shown: readonly Shown[], ends: number): string => {
    const again = rendered.call ? withRoom(rendered.call, neededTokens) : null;
    const cut = ends > 0 ? [{ text: `the ends of ${ends} long lines`, call: again }] : [];
    return restText([...rendered.leftOut(shown, neededTokens), ...cut], { again, maxTokens });
  };
  const nothing = rendered.sections.map(() => ({ from: 0, to: 0 }));
  const itemCount = rendered.sections.reduce((sum, { items }) => sum + items.length, 0);
  let room = maxTokens - weightOf(assemble({ ...rendered, head }, nothing, rest(nothing, itemCount))) - 2;
  const itemMax = Math.max(30, room * Math.max(ITEM_SHARE_MAX, FEW_ITEMS_SHARE / itemCount));
  const cut = rendered.sections.map((section) => ({
    ...section,
    items: section.items.map((item) => cutTo(item, itemMax)),
  }));
  for (;;) {
    const sections = shortened(cut, Math.max(0, room));
    const bounded = { ...rendered, head, sections };
    const shown = fill(sections, Math.max(0, room));
    const text = assemble(bounded, shown, rest(shown, cutItems(rendered, bounded, shown)));
    if (weightOf(text) <= maxTokens) return text;
    if (room <= 0) return cutTo(text, maxTokens);
    room = room * 0.9 - 5;
  }
}

/** Whole sections with their items as long as their share allows, and no shorter than says something. */
function shortened(sections: readonly Section[], room: number): Section[] {
  let left = room;
  return sections.map((section) => {
    const { items, brief, isWhole, share, title } = section;
    if (isWhole !== true || items.length === 0) return section;
    left -= title === null ? 0 : lineWeight(title);
    const budget = left * share;
    const weight = weightOfAll(items);
    if (weight <= budget) {
      left -= weight;
      return section;
    }
    const itemMax = Math.max(BRIEF_MIN, budget / items.length - weightOf('\n'));
    const short = brief
      ? brief.map((item) => endedAt(item, itemMax))
      : items.map((item) => cutTo(item, itemMax));
    left = Math.max(0, left - weightOfAll(short));
    return { ...section, items: short };
  });
}

function weightOfAll(items: readonly string[]): number {
  return items.reduce((sum, item) => sum + lineWeight(item), 0);
}

/** How many of the items that are shown lack their ends. */
function cutItems(whole: Rendered, bounded: Rendered, shown: readonly Shown[]): number {
  return bounded.sections.reduce((sum, { items }, section) => {
    const { from, to } = shown[section] ?? { from: 0, to: 0 };
    const ends = items.filter(
      (item, index) => index >= from && index < to && item !== whole.sections[section]?.items[index],
    );
    return sum + ends.length;
  }, 0);
}

/** The same call with room for everything. */
export function withRoom({ tool, args }: NextCall, neededTokens: number): NextCall {
  return { tool, args: { ...args, max_tokens: Math.min(MAX_TOKENS.max, neededTokens) } };
}

/** Which items fit, section by section. */
function fill(sections: readonly Section[], room: number): Shown[] {
  let left = room;
  let isEnded = false;
  return sections.map((section, index) => {
    const { items, isWhole, share, title } = section;
    const mayTakeAll = isWhole === true || index === sections.length - 1;
    const budget =
      (mayTakeAll ? left : Math.min(left, room * share)) - (title === null ? 0 : lineWeight(title));
    const shown = items.length === 0 || isEnded ? { from: 0, to: 0 } : fillOne(section, budget);
    isEnded ||= isWhole === true && shown.to < items.length;
    if (shown.to > shown.from) {
      left -= weightOfAll(items.slice(shown.from, shown.to)) + (title === null ? 0 : lineWeight(title));
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

/**
 * @param within the room that there is, and the call that was made with room for everything; null where all fits
 */
function restText(
  leftOut: readonly LeftOut[],
  within: { readonly again: NextCall | null; readonly maxTokens: number } | null,
): string {
  if (leftOut.length === 0) return '';
  const lines = leftOut.map(({ text, call }) => (call ? `- ${text}: ${callText(call)}` : `- ${text}`));
  const text = ['Left out, and the call that gets it:', ...lines].join('\n');
  if (within === null || weightOf(text) <= within.maxTokens * REST_SHARE_MAX) return text;
  const what = leftOut.map(({ text }) => text).join('; ');
  const { again, maxTokens } = within;
  const one = again
    ? `Left out: ${what}. This gives it or names the call that does:\n- all: ${callText(again)}`
    : null;
  if (one !== null && weightOf(one) <= maxTokens * ONE_CALL_SHARE_MAX) return one;
  // Its arguments alone would fill the answer, and whoever made the call has them.
  const tokens = again ? ` with "max_tokens":${String(again.args.max_tokens)}` : '';
  return `Left out: ${what}. The same call again${tokens} gives it, or names the call that does.`;
}

function callText({ tool, args }: NextCall): string {
  return `${tool} ${JSON.stringify(args)}`;
}
