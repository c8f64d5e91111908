/** The list of what is stored, read page by page while it changes. */
import t from 'tap';
import { storedSymbols } from '../../commands/symbol-store/stored-symbols.ts';

type Client = Parameters<typeof storedSymbols>[0];

/** A list that `change` may do something to before each page is read. */
function listing(rows: string[], change: (page: number) => void): { client: Client; signals: unknown[] } {
  const signals: unknown[] = [];
  const listPdbs = async (input: { page: number; page_size: number }, options: { signal: AbortSignal }) => {
    const { page, page_size: size } = input;
    change(page);
    signals.push(options.signal);
    const shown = rows.slice((page - 1) * size, page * size);
    const uploaded_at = '2026-01-06T12:34:56Z';
    return {
      pdbs: shown.map((id) => ({ id, parsed: null, pdb_filename: id, uploaded_at })),
      total: rows.length,
    };
  };
  const client = { listPdbs, listExes: async () => ({ exes: [], total: 0 }) };
  return { client: client as unknown as Client, signals };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `id-${index}`);

t.test('leaves nothing out when files are deleted while the list is read', async (t) => {
  const rows = names(350);
  let isDone = false;
  const { signal } = new AbortController();
  const { client, signals } = listing(rows, (page) => {
    if (page === 3 && !isDone) {
      isDone = true;
      rows.splice(10, 120);
      rows.unshift('new');
    }
  });
  const found: string[] = [];
  for await (const { id } of storedSymbols(client, {}, (ask) => ask({ signal }))) found.push(id);
  t.same(
    rows.filter((id) => id !== 'new' && !found.includes(id)),
    [],
  );
  t.equal(new Set(found).size, found.length, 'each once');
  t.ok(signals.every((given) => given === signal));
});
