/** How many tokens a text costs a language model: an estimate from above, as each model counts in its own way. */

const LETTER = 1 / 3;
const SPACE = 1 / 3;
/** Figures and signs, of which logs are full, are often tokens of their own. */
const SIGN = 0.5;
const TWO_BYTES = 0.8;
const THREE_BYTES = 1.3;
const FOUR_BYTES = 3;

/** Whole tokens that a text takes at most; never less than a third of its bytes. */
export function tokensOf(text: string): number {
  return Math.ceil(weightOf(text));
}

/** The same without rounding, so that the weights of parts can be summed up. */
export function weightOf(text: string): number {
  let weight = 0;
  for (let at = 0; at < text.length; at += 1) weight += unitWeight(text.charCodeAt(at));
  return weight;
}

/**
 * The text, or as much of its beginning as costs no more, with a mark that says how much is missing.
 *
 * @param weightMax in tokens
 */
export function cutTo(text: string, weightMax: number): string {
  // A megabyte of one line is not counted to its end.
  if (text.length * LETTER <= weightMax && weightOf(text) <= weightMax) return text;
  const mark = (rest: number): string => `… (+${rest} characters)`;
  const room = weightMax - weightOf(mark(text.length));
  let weight = 0;
  let at = 0;
  for (; at < text.length; at += 1) {
    weight += unitWeight(text.charCodeAt(at));
    if (weight > room) break;
  }
  // Half of a pair is no character.
  if (at > 0 && isHighSurrogate(text.charCodeAt(at - 1))) at -= 1;
  return `${text.slice(0, at)}${mark(text.length - at)}`;
}

/** The same with nothing but an ellipsis for what is missing. */
export function endedAt(text: string, weightMax: number): string {
  if (weightOf(text) <= weightMax) return text;
  let weight = weightOf('…');
  let at = 0;
  for (; at < text.length; at += 1) {
    weight += unitWeight(text.charCodeAt(at));
    if (weight > weightMax) break;
  }
  if (at > 0 && isHighSurrogate(text.charCodeAt(at - 1))) at -= 1;
  return `${text.slice(0, at)}…`;
}

function unitWeight(unit: number): number {
  if (unit < 0x80) {
    if (unit === 0x20 || unit === 0x0a) return SPACE;
    const letter = unit | 0x20;
    return letter >= 0x61 && letter <= 0x7a ? LETTER : SIGN;
  }
  if (unit < 0x800) return TWO_BYTES;
  return unit >= 0xd800 && unit <= 0xdfff ? FOUR_BYTES / 2 : THREE_BYTES;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
