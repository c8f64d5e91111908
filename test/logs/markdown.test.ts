/** Log lines inside of Markdown: whatever is in them, they stay inside. */
import t from 'tap';
import { fenced, inlineText } from '../../src/logs/markdown.ts';
import { chance } from '../backends/rows.ts';

t.test('a text stays in its cell, readable', async (t) => {
  t.equal(inlineText('battery at 45%, connect_timeout *now*', 100), 'battery at 45%, connect_timeout *now*');
  t.equal(inlineText('a|b `c` <script>\r\nnext\tline', 100), 'a\\|b \\`c\\` \\<script> next line');
  t.equal(inlineText('C:\\logs\\app.log \\| \\', 100), 'C:\\logs\\app.log \\\\\\| \\\\');
  t.equal(inlineText('![x](http://example.org/pixel)', 100), '\\![x](http://example.org/pixel)');
  t.equal(inlineText('崩溃'.repeat(10), 5), '崩溃崩溃…');
  t.equal(inlineText('🦀🦀🦀', 4), '🦀\ufffd…', 'no half of a character is left');
});

t.test('a fence is longer than what is in it', async (t) => {
  t.equal(fenced(['plain']), '```\nplain\n```');
  t.equal(fenced(['a', '```', '## heading']), '````\na\n```\n## heading\n````');
  t.equal(fenced(['`````']), '``````\n`````\n``````');
});

t.test('random texts neither end a cell nor a fence', async (t) => {
  const random = chance(5);
  const alphabet = ['|', '\\', '`', '\n', '\r', 'a', ' ', '<', '!', '[', '~', '#'];
  for (let round = 0; round < 2000; round += 1) {
    const text = Array.from({ length: 12 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
    const cell = inlineText(text, 100);
    t.notMatch(cell, /[\r\n]/);
    // An even number of backslashes before a bar leaves it bare.
    const bare = [...cell.matchAll(/(\\*)\|/g)].some(([, slashes = '']) => slashes.length % 2 === 0);
    if (bare) t.fail(JSON.stringify([text, cell]));
    const block = fenced(text.split('\n')).split('\n');
    const inner = block.slice(1, -1).join('\n');
    if (inner.includes(block[0] ?? '')) t.fail(JSON.stringify(text));
  }
});
