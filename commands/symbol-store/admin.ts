/**
 * The books of a symbol store, as symstore.exe keeps them in `000Admin`: transactions, and what each brought.
 * Source: Microsoft, "SymStore Transactions" and "Symbol Storage Format".
 */

/** A line of server.txt and history.txt. Product, version and comment are free text, often empty. */
export interface Transaction {
  /** Ten decimal digits. */
  readonly id: string;
  readonly product: string;
  readonly version: string;
  readonly comment: string;
}

/** What the books say of a store. */
export interface Books {
  /** Transactions that were not deleted, by their IDs. */
  readonly live: ReadonlyMap<string, Transaction>;
  /** The IDs of those that were. */
  readonly deleted: ReadonlySet<string>;
}

/** One file of a transaction. */
export interface Entry {
  /** `crashme.pdb` */
  readonly fileName: string;
  /** The folder below that of the name. */
  readonly key: string;
  /** Where it came from, for whoever reads the books. */
  readonly source: string;
  /** `pri`: a PDB with all its symbols; `bin`: an image. */
  readonly type: 'pri' | 'bin';
}

export const ADMIN_FOLDER = '000Admin';
const ID_DIGITS = 10;
const LINE_END = '\r\n';

/** Reads server.txt and, for what is gone from it, history.txt. Lines that are no transactions are left out. */
export function parseBooks(server: string, history: string): Books {
  const live = new Map<string, Transaction>();
  for (const line of linesOf(server)) {
    const [id = '', kind, , , , product = '', version = '', comment = ''] = fieldsOf(line);
    if (isId(id) && kind === 'add') live.set(idOf(id), { id: idOf(id), product, version, comment });
  }
  const deleted = new Set<string>();
  for (const line of linesOf(history)) {
    // `0000000105,del,0000000096`; later versions write the kind and the date in between.
    const [id = '', kind, ...rest] = fieldsOf(line);
    if (isId(id) && kind === 'del') for (const other of rest) if (isId(other)) deleted.add(idOf(other));
  }
  for (const id of live.keys()) deleted.delete(id);
  return { live, deleted };
}

/** The folders that a transaction's file lists, as `name\KEY` in lower case. */
export function parseTransactionFile(text: string): string[] {
  return linesOf(text)
    .map((line) => fieldsOf(line)[0] ?? '')
    .filter((place) => place.includes('\\'))
    .map((place) => place.toLowerCase());
}

/** `name\KEY` in lower case: Windows, and so every debugger, finds a folder in either. */
export function placeOf({ fileName, key }: Pick<Entry, 'fileName' | 'key'>): string {
  return `${fileName}\\${key}`.toLowerCase();
}

/** What stands at the top of a store, or beside a file, and is no name of a symbol file there; Windows knows no case. */
export function isReservedName(fileName: string): boolean {
  return /^(000admin|pingme\.txt|index2\.txt|refs\.ptr|file\.ptr)$/i.test(fileName);
}

/**
 * The folder of a file, below that of the store. In two tiers (`index2.txt`) the folders of the names lie in such of
 * their first two letters. Windows takes a dot or space off the end of a folder's name, so there is none to begin with.
 */
export function folderParts(
  { fileName, key }: Pick<Entry, 'fileName' | 'key'>,
  isTwoTier: boolean,
): string[] {
  const letters = [...fileName]
    .slice(0, 2)
    .join('')
    .replace(/[. ]+$/, '');
  return isTwoTier && letters !== '' ? [letters, fileName, key] : [fileName, key];
}

/** `0000000001,add,file,11/22/2026,01:50:09,"Product","Version","Comment",`: local time, as symstore.exe has it. */
export function transactionLine({ id, product, version, comment }: Transaction, at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${two(at.getMonth() + 1)}/${two(at.getDate())}/${at.getFullYear()}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  const texts = [product, version, comment].map((text) => `"${quotable(text)}"`);
  return `${[id, 'add', 'file', date, time, ...texts].join(',')},`;
}

/** The file of a transaction: `"crashme.pdb\KEY","C:\out\crashme.pdb"`, a line each. */
export function transactionFile(entries: readonly Entry[]): string {
  return entries
    .map(({ fileName, key, source }) => `"${fileName}\\${key}","${quotable(source)}"${LINE_END}`)
    .join('');
}

/** The line of refs.ptr that says which transaction put a file into its folder. */
export function referenceLine(id: string, { source, type }: Entry): string {
  return `${id},file,"${quotable(source)}",${type},,Y,,`;
}

/** server.txt: each line is ended. */
export function withLine(text: string, line: string): string {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}${LINE_END}`;
  return `${whole}${line}${LINE_END}`;
}

/** history.txt, refs.ptr: lines are parted, and the last has no end. */
export function withLastLine(text: string, line: string, parting = LINE_END): string {
  const before = text.replace(/[\r\n]+$/, '');
  return before === '' ? line : `${before}${parting}${line}`;
}

/** The number after the highest that was ever given. */
export function nextId(lastId: string, { live, deleted }: Books): string {
  const known = [...live.keys(), ...deleted, isId(lastId.trim()) ? lastId.trim() : '0'].map(Number);
  return String(known.reduce((highest, id) => Math.max(highest, id), 0) + 1).padStart(ID_DIGITS, '0');
}

function linesOf(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
}

/** Fields between commas; those in quotes may hold commas. */
function fieldsOf(line: string): string[] {
  return Array.from(
    line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g),
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function idOf(text: string): string {
  return text.padStart(ID_DIGITS, '0');
}

/** There is no way to write a quote or a line's end. */
function quotable(text: string): string {
  return text.replace(/[\p{Cc}"]/gu, ' ');
}
