/** Finds the columns that vary in large sets of keys of one shape: where names vary at two places at once. */

/** Fewer keys say too little about their columns. */
const KEYS_MIN = 24;
/** A word of a column that stands for a kind of line comes with this many keys on average; a name with fewer. */
const KEYS_PER_KIND = 8;
/** Columns that one set is split by before it is left alone. */
const DEPTH_MAX = 8;

/**
 * Splits `rows` (tokens of keys, equally many each) by the columns of few words, the fewest first, until in each
 * set all columns are constant or of many words. `fold` gets each such set with its varying columns. The outcome
 * depends on the set alone. After IPLoM (Makanju, Zincir-Heywood, Milios: Clustering event logs using iterative
 * partitioning, KDD 2009), without its search for bijections.
 */
export function splitByColumns<Row extends { readonly tokens: readonly string[] }>(
  rows: readonly Row[],
  fold: (rows: readonly Row[], varying: readonly number[]) => void,
  depth = 0,
): void {
  const [first] = rows;
  if (!first || rows.length < KEYS_MIN || depth > DEPTH_MAX) return;
  const varying: number[] = [];
  let split = -1;
  let fewest = rows.length / KEYS_PER_KIND;
  for (let column = 0; column < first.tokens.length; column += 1) {
    const words = new Set<string | undefined>();
    for (const row of rows) words.add(row.tokens[column]);
    if (words.size === 1) continue;
    varying.push(column);
    if (words.size > fewest || (words.size === fewest && split >= 0)) continue;
    split = column;
    fewest = words.size;
  }
  if (split < 0) {
    fold(rows, varying);
    return;
  }
  const parts = new Map<string, Row[]>();
  for (const row of rows) {
    const word = row.tokens[split] ?? '';
    const part = parts.get(word);
    if (part) part.push(row);
    else parts.set(word, [row]);
  }
  for (const part of parts.values()) splitByColumns(part, fold, depth + 1);
}
