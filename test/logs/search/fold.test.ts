/** Case folding: places stay where they are, and every spelling of a letter is known. */
import t from 'tap';
import { caseVariants, foldChar, foldText } from '../../../src/logs/search/fold.ts';

const CHARACTERS = Array.from({ length: 0x20000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

t.test('folds every character to one of the same length, once and for all', async (t) => {
  const wrong = CHARACTERS.filter(
    (char) => foldChar(char).length !== char.length || foldChar(foldChar(char)) !== foldChar(char),
  );
  t.same(wrong, []);
});

t.test('knows every character that folds to the same one', async (t) => {
  const byFolded = new Map<string, string[]>();
  for (const char of CHARACTERS) {
    const folded = foldChar(char);
    byFolded.set(folded, [...(byFolded.get(folded) ?? []), char]);
  }
  const missing = CHARACTERS.flatMap((char) => {
    const variants = new Set(caseVariants(char));
    const others = byFolded.get(foldChar(char)) ?? [];
    return others.filter((other) => !variants.has(other)).map((other) => `${char} ${other}`);
  });
  t.same(missing, []);
  const wrong = CHARACTERS.filter((char) =>
    caseVariants(char).some((one) => foldChar(one) !== foldChar(char)),
  );
  t.same(wrong, []);
});

t.test('folds texts as their characters', async (t) => {
  t.equal(foldText('ERROR Straße ÉTÉ İ \u212a'), 'error straße été İ \u212a');
  t.equal(foldText('plain ASCII K'), 'plain ascii k');
  // The sign of the kelvin is no k: whoever looks for k is not given it.
  t.notMatch(foldText('\u212a'), /k/);
});
