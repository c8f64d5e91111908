/** `chs logs browse`: what each key does, without a terminal; and that it asks for one. */
import t from 'tap';
import {
  arrive,
  type BrowseKey,
  type BrowseState,
  emptyState,
  keysOf,
  press,
  resize,
  rowOf,
  wantsMore,
} from '../../commands/views/browse/model.ts';
import { testFolder } from '../fixtures/folder.ts';
import { runChs } from './run-chs.ts';

const LEVELS = ['INFO', 'INFO', 'WARN', 'INFO', 'ERROR'];

function rows(from: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index;
    const content = `2026-01-06 10:00:00 ${LEVELS[at % 5]} request ${at}`;
    return rowOf({ file: 'app.log', line_number: at + 1, byte_offset: at * 40, timestamp: null, content });
  });
}

const loaded = (count: number, hasMore = false): BrowseState =>
  arrive(resize(emptyState, 10), rows(0, count), hasMore);

/** Presses one key after another; a name in brackets is a key without a character. */
function keys(state: BrowseState, text: string): BrowseState {
  const pressed = text.match(/<\w+>|./gsu) ?? [];
  return pressed.reduce((at, key) => {
    const name = /^<(\w+)>$/.exec(key)?.[1] as BrowseKey['name'];
    return press(at, name ? { text: '', name } : { text: key });
  }, state);
}

t.test('moves by lines and pages, and never out of the list', async (t) => {
  const state = loaded(35);
  for (const [text, selected] of [
    ['', 0],
    ['j', 1],
    ['k', 0],
    ['jjk', 1],
    [' ', 10],
    ['  b', 10],
    ['<pageDown><pageDown><pageDown><pageDown>', 34],
    ['G', 34],
    ['Gg', 0],
    ['<end><up>', 33],
    ['G<home><down>', 1],
  ] as const)
    t.equal(keys(state, text).selected, selected, text);
  const end = keys(state, 'G');
  t.equal(end.top, 25, 'the last page is full');
  t.equal(keys(end, 'kkkkkkkkkkk').top, 23, 'the list follows');
});

t.test('goes to errors, warnings and texts, forth and back', async (t) => {
  const state = loaded(35);
  t.equal(keys(state, 'e').selected, 4);
  t.equal(keys(state, 'ee').selected, 9);
  t.equal(keys(state, 'eeE').selected, 4);
  t.equal(keys(state, 'w').selected, 2);
  t.equal(keys(state, 'wwW').selected, 2);
  t.equal(keys(state, '/request 17<enter>').selected, 17);
  t.equal(keys(state, '/REQUEST 1<enter>').selected, 1, 'in any case');
  t.equal(keys(state, '/request 1<enter>nn').selected, 11);
  t.equal(keys(state, '/request 1<enter>nN').selected, 1);
  t.equal(keys(state, '/request 0<enter>').selected, 0, 'the line that is looked at may be it');
  t.match(keys(state, '/nothing<enter>'), { selected: 0, message: /no more lines with it/ });
  t.match(keys(state, 'E'), { selected: 0, message: /no earlier errors/ });
  t.match(keys(state, 'n'), { message: /nothing to find yet/ });
});

t.test('edits what is typed, and gives it up', async (t) => {
  t.equal(keys(loaded(5), '/abq<backspace>c').input, 'abc');
  t.match(keys(loaded(5), '/abc<escape>'), { input: null, find: '', isOver: false });
  t.match(keys(loaded(5), '/<enter>'), { input: null, find: '' });
  t.equal(press(keys(loaded(5), '/'), { text: '\u001b' }).input, '', 'no control characters');
});

t.test('looks on in lines that are still to come', async (t) => {
  const waiting = keys(loaded(10, true), '/request 25<enter>');
  t.match(waiting, { selected: 0, pending: { what: 'find' } });
  t.ok(wantsMore(waiting));
  const next = arrive(waiting, rows(10, 10), true);
  t.match(next, { selected: 0, pending: { what: 'find' } });
  t.match(arrive(next, rows(20, 10), false), { selected: 25, pending: null, hasMore: false });
  t.match(arrive(next, rows(20, 2), false), { selected: 0, pending: null, message: /no more/ });
  t.match(keys(waiting, 'j'), { selected: 1, pending: null }, 'another key gives it up');
  t.match(arrive(keys(loaded(10, true), 'G'), rows(10, 5), false), { selected: 14, pending: null });
});

t.test('loads ahead of whoever reads, and keeps its place when the terminal changes', async (t) => {
  t.notOk(wantsMore(loaded(100, true)));
  t.ok(wantsMore(keys(loaded(100, true), '<pageDown>'.repeat(8))));
  t.notOk(wantsMore(loaded(5)), 'there is nothing more');
  const small = resize(keys(loaded(35), 'G'), 3);
  t.match(small, { selected: 34, top: 32, height: 3 });
  t.match(resize(small, 0), { height: 1 });
});

t.test('shows its keys, and ends', async (t) => {
  t.match(keys(loaded(5), '?'), { showsHelp: true });
  t.match(keys(loaded(5), '?q'), { showsHelp: false, isOver: false });
  t.match(keys(loaded(5), 'q'), { isOver: true });
  t.match(press(keys(loaded(5), '/abc'), { text: 'c', ctrl: true }), { isOver: true });
});

t.test('takes letters that arrive together one by one', async (t) => {
  t.same(keysOf('jj', {}), [
    { text: 'j', name: undefined, ctrl: false },
    { text: 'j', name: undefined, ctrl: false },
  ]);
  t.match(keysOf('/a\r', {}), [{ text: '/' }, { text: 'a' }, { name: 'enter' }]);
  t.match(keysOf('', { downArrow: true }), [{ name: 'down' }]);
  t.match(keysOf('c', { ctrl: true }), [{ text: 'c', ctrl: true }]);
});

t.test('asks for a terminal', async (t) => {
  const finished = await runChs(['logs', 'browse', '.'], { cwd: testFolder(t) });
  t.match(finished, { code: 64, stdout: '', stderr: /draws on a terminal.*\n.*chs logs search/ });
});
