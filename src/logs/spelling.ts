/** Finds the words nearest to one that was not found: what a search without hits may have meant. */

export interface NearWord {
  readonly text: string;
  readonly count: number;
  /** Edits (insert, delete, replace, swap of neighbours); half an edit where only the case differs. */
  readonly distance: number;
}

const EDITS_MAX = 2;
const CASE_DISTANCE = 0.5;
/** Longer words are ids and paths; comparing them costs much and helps nobody. */
const WORD_CHARS_MAX = 64;
/** Of a line; more words say nothing new about its spelling. */
const WORDS_PER_LINE_MAX = 512;
const GRAM_CHARS_MAX = 4;

/** A run of a script without spaces (the group), or a run of other letters, digits and underscores. */
const runPattern =
  /([\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]+)|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}])[\p{L}\p{N}_])+/gu;

/**
 * The words at a distance of at most two edits and at most a third of the term's length: the nearest first, then the
 * most frequent, then in the order of their characters. The term itself is no answer.
 */
export function nearestWords(
  term: string,
  words: Iterable<readonly [word: string, count: number]>,
  max: number,
): NearWord[] {
  const folded = term.toLowerCase();
  const length = [...folded].length;
  if (length === 0 || length > WORD_CHARS_MAX || max <= 0) return [];
  const edits = Math.min(EDITS_MAX, Math.floor(length / 3));
  const found = new Map<string, NearWord>();
  for (const [text, count] of words) {
    if (text === term || text === '' || Math.abs(text.length - term.length) > edits * 2 + 2) continue;
    const other = text.toLowerCase();
    const distance = other === folded ? CASE_DISTANCE : distanceOf(folded, other, edits);
    if (distance === null) continue;
    const before = found.get(text)?.count ?? 0;
    found.set(text, { text, count: count + before, distance });
  }
  return [...found.values()].sort(byNearness).slice(0, max);
}

/**
 * The words of a line: identifiers whole (`sendWorker`, `snake_case`), and of scripts without spaces every run of two
 * to four characters, as nobody can say without a dictionary where a word of it ends. Numbers are no words.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [run, grams] of text.matchAll(runPattern)) {
    if (grams !== undefined) addGrams(grams, words);
    else addWord(run, words);
    if (words.length >= WORDS_PER_LINE_MAX) break;
  }
  return words.slice(0, WORDS_PER_LINE_MAX);
}

function addWord(word: string, words: string[]): void {
  if (word.length >= 2 && word.length <= WORD_CHARS_MAX && /\p{L}/u.test(word)) words.push(word);
}

function addGrams(run: string, words: string[]): void {
  const letters = [...run];
  for (let from = 0; from + 1 < letters.length && words.length < WORDS_PER_LINE_MAX; from += 1)
    for (let size = 2; size <= GRAM_CHARS_MAX && from + size <= letters.length; size += 1)
      words.push(letters.slice(from, from + size).join(''));
}

/**
 * Optimal string alignment distance (Damerau-Levenshtein without edits inside of a swap), or null when it is more
 * than `max`. Only cells within `max` of the diagonal are computed.
 */
function distanceOf(one: string, other: string, max: number): number | null {
  const a = [...one];
  const b = [...other];
  if (Math.abs(a.length - b.length) > max) return null;
  const far = max + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => Math.min(column, far));
  for (let row = 1; row <= a.length; row += 1) {
    const line: number[] = new Array(b.length + 1).fill(far);
    if (row <= max) line[0] = row;
    let least = line[0] ?? far;
    for (let column = Math.max(1, row - max); column <= Math.min(b.length, row + max); column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? far) + 1,
        (line[column - 1] ?? far) + 1,
        (last[column - 1] ?? far) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (beforeLast[column - 2] ?? far) + 1);
      line[column] = Math.min(cost, far);
      least = Math.min(least, cost);
    }
    // A swap may still reach back over one row, so the one before has to be out of reach too.
    if (least >= far && Math.min(...last) >= far) return null;
    beforeLast = last;
    last = line;
  }
  const distance = last[b.length] ?? far;
  return distance <= max ? distance : null;
}

function byNearness(a: NearWord, b: NearWord): number {
  if (a.distance !== b.distance) return a.distance - b.distance;
  if (a.count !== b.count) return b.count - a.count;
  return a.text < b.text ? -1 : 1;
}
