/** Finds the words of keys that are data: keys that are alike but for places where many words occur become one. */
import { splitByColumns } from './columns.ts';
import { WILD, WILD_WORD } from './key-buffer.ts';

/** Different words at one place from which on the place counts as varying. */
const PLAIN_WORDS_MIN = 4;
/** The same for words that look like names of things: dotted, with a slash, an id's prefix. */
const NAME_WORDS_MIN = 2;
/** Words of the text that must be alike besides: a line that has few of them is told apart by each. */
const PLAIN_REST_MIN = 3;
const NAME_REST_MIN = 1;
/** Each round may make keys alike that differed at two places. */
const ROUNDS_MAX = 3;
/** Tokens of a key that are compared. */
const TOKENS_MAX = 256;

const masked = String.fromCharCode(WILD);
const wild = String.fromCharCode(WILD_WORD);
const tokenPattern = /[^\s=:,;()[\]{}<>|"'`]+|\s+|./gsu;
const punctuation = /^[\s=:,;()[\]{}<>|"'`]/u;
const namePunctuation = /[./\\@$]/u;
const proseWord = /^\p{L}{2,}$/u;
const levelWord = /^(?:fatal|error|err|warn|warning|info|notice|debug|trace|severe|critical|verbose)$/iu;

interface Form {
  readonly tokens: readonly string[];
  /** Numbers of the keys that have become this form. */
  readonly members: number[];
}

/**
 * Groups `keys` (see LineMask): gives for each its template. A function of the set of keys alone, whatever
 * their order: forms are joined by union, never by which came first.
 */
export function generalise(keys: readonly string[]): string[] {
  let forms = keys.map((key, at): Form => ({ tokens: tokensOf(key), members: [at] }));
  forms = unite(joinColumns(forms));
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const next = joinPlaces(forms);
    if (next.length === forms.length) break;
    forms = unite(next);
  }
  const templates: string[] = new Array(keys.length).fill('');
  for (const { tokens, members } of forms) {
    const template = tokens.join('');
    for (const member of members) templates[member] = template;
  }
  return templates;
}

function tokensOf(key: string): string[] {
  const tokens = key.match(tokenPattern) ?? [];
  return tokens.length <= TOKENS_MAX ? tokens : [...tokens.slice(0, TOKENS_MAX - 1), wild];
}

/** Forms with the same tokens become one. */
function unite(forms: readonly Form[]): Form[] {
  const byText = new Map<string, Form>();
  for (const form of forms) {
    const text = form.tokens.join('');
    const same = byText.get(text);
    if (same) for (const member of form.members) same.members.push(member);
    else byText.set(text, form);
  }
  return [...byText.values()];
}

/** Large sets of forms that have the same punctuation at the same places. */
function joinColumns(forms: readonly Form[]): Form[] {
  const shapes = new Map<string, Form[]>();
  for (const form of forms) {
    const shape = form.tokens.map((token) => (punctuation.test(token) ? token : 'w')).join('');
    const alike = shapes.get(shape);
    if (alike) alike.push(form);
    else shapes.set(shape, [form]);
  }
  const joined: Form[] = [];
  for (const shaped of shapes.values()) {
    const left = new Set(absorb(shaped));
    splitByColumns([...left], (group, varying) => {
      const [first] = group;
      if (!first || restOf(first.tokens, varying) < PLAIN_REST_MIN) return;
      if (varying.includes(firstWordOf(first.tokens))) return;
      for (const form of group) left.delete(form);
      left.add(merged(group));
    });
    joined.push(...left);
  }
  return joined;
}

/** Puts forms into those of earlier rounds that say more generally the same, of several into the most special. */
function absorb(forms: readonly Form[]): readonly Form[] {
  const general = forms
    .map((form) => ({ form, wilds: form.tokens.filter((token) => token === wild).length }))
    .filter(({ wilds }) => wilds > 0)
    .sort((a, b) => a.wilds - b.wilds || (a.form.tokens.join('') < b.form.tokens.join('') ? -1 : 1));
  if (general.length === 0) return forms;
  const holders = general.map(({ form }) => form);
  const kept = new Set(forms);
  // Plain forms first, then the general ones by themselves: what one holds moves on with it.
  for (const form of [...forms.filter((one) => !one.tokens.includes(wild)), ...holders]) {
    const holder = holders.find((one) => one !== form && covers(one.tokens, form.tokens));
    if (!holder) continue;
    for (const member of form.members) holder.members.push(member);
    kept.delete(form);
  }
  return [...kept];
}

function covers(general: readonly string[], tokens: readonly string[]): boolean {
  return general.every((token, place) => token === wild || token === tokens[place]);
}

/** Forms that differ at one place alone, where many words occur. */
function joinPlaces(forms: readonly Form[]): Form[] {
  const buckets = new Map<number, { place: number; forms: number[] }>();
  forms.forEach(({ tokens }, index) => {
    const hashes = tokens.map((token, place) => hashAt(token, place));
    const sum = hashes.reduce((total, hash) => total + hash, 0);
    const firstWord = firstWordOf(tokens);
    tokens.forEach((token, place) => {
      if (place === firstWord || punctuation.test(token)) return;
      const hash = sum - (hashes[place] ?? 0) + place * 7;
      const bucket = buckets.get(hash);
      if (bucket) bucket.forms.push(index);
      else buckets.set(hash, { place, forms: [index] });
    });
  });
  const parents = forms.map((_, index) => index);
  for (const { place, forms: alike } of buckets.values()) {
    if (alike.length === 1 || !varies(forms, alike, place) || !differOnlyAt(forms, alike, place)) continue;
    for (const index of alike) parents[rootOf(parents, index)] = rootOf(parents, alike[0] ?? 0);
  }
  const groups = new Map<number, Form[]>();
  forms.forEach((form, index) => {
    const root = rootOf(parents, index);
    const group = groups.get(root);
    if (group) group.push(form);
    else groups.set(root, [form]);
  });
  return [...groups.values()].map((group) => (group.length === 1 && group[0] ? group[0] : merged(group)));
}

/** Buckets are found by hash: whether the forms in one are what their hashes say. */
function differOnlyAt(forms: readonly Form[], alike: readonly number[], place: number): boolean {
  const first = forms[alike[0] ?? 0]?.tokens ?? [];
  return alike.every((index) => {
    const tokens = forms[index]?.tokens ?? [];
    return tokens.length === first.length && tokens.every((token, at) => at === place || token === first[at]);
  });
}

function varies(forms: readonly Form[], alike: readonly number[], place: number): boolean {
  // What varied among earlier keys still does.
  if (alike.some((index) => forms[index]?.tokens[place] === wild)) return true;
  const words = new Set<string>();
  let names = 0;
  for (const index of alike) {
    const word = forms[index]?.tokens[place] ?? '';
    words.add(word);
    if (isName(word)) names += 1;
  }
  const rest = restOf(forms[alike[0] ?? 0]?.tokens ?? [], [place]);
  if (words.size >= PLAIN_WORDS_MIN && rest >= PLAIN_REST_MIN) return true;
  return names === alike.length && words.size >= NAME_WORDS_MIN && rest >= NAME_REST_MIN;
}

function isName(word: string): boolean {
  return word.includes(masked) || word.includes(wild) || namePunctuation.test(word);
}

/** How many words of the text there are besides those at `places`. */
function restOf(tokens: readonly string[], places: readonly number[]): number {
  return tokens.filter((token, at) => !places.includes(at) && proseWord.test(token) && !levelWord.test(token))
    .length;
}

/** The place of the first word, which says what kind of line it is. */
function firstWordOf(tokens: readonly string[]): number {
  return tokens.findIndex((token) => token !== masked && !punctuation.test(token));
}

/** Forms of equally many tokens: what is not the same in all of them varies. */
function merged(group: readonly Form[]): Form {
  const tokens = (group[0]?.tokens ?? []).map((token, place) =>
    group.every((form) => form.tokens[place] === token) ? token : wild,
  );
  return { tokens, members: group.flatMap((form) => form.members) };
}

function rootOf(parents: number[], index: number): number {
  let root = index;
  while (parents[root] !== root) root = parents[root] ?? root;
  parents[index] = root;
  return root;
}

/** Of a token at its place, 45 bits, so that sums of 256 of them stay whole numbers. */
function hashAt(token: string, place: number): number {
  let low = Math.imul(place + 1, 0x9e3779b1);
  let high = Math.imul(place + 1, 0x85ebca6b);
  for (let at = 0; at < token.length; at += 1) {
    const code = token.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  return (low >>> 0) * 0x2000 + (high >>> 19);
}
