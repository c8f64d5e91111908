/** What uploads must refuse, in which words, and that nothing is left of it when the reply arrives. */
import { badBodies } from './bad-bodies.ts';
import { ask, type FileKind, inBoth, logOf, stored } from './wire.ts';

const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];

for (const { name, status = 400, code, words, body, headers = {} } of badBodies) {
  inBoth(`refuses ${name}`, async (t, chs) => {
    for (const kind of kinds) {
      const answer = await ask(chs, `/api/upload/${kind}`, {
        method: 'POST',
        body: body(kind) ?? null,
        headers,
      });
      t.match(answer, { status, body: { success: false, code, error: words } }, kind);
      t.same(stored(chs), [], 'nothing is left of it');
    }
    t.notMatch(logOf(chs), '[ERROR]', 'it is the client’s fault');
  });
}
