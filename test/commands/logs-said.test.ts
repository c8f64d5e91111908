/** What commands say about logs, in Chinese. */
import t from 'tap';
import { said } from '../../commands/logs/said.ts';

t.test('says what is known of a file in Chinese, with the name as it is', async (t) => {
  t.equal(said({ language: 'zh' }, 'it is no text'), '不是文本');
  t.equal(said({ language: 'zh' }, 'var/app: it is no text'), 'var/app：不是文本');
  t.equal(said({ language: 'zh' }, 'a.log: it cannot be read (EIO)'), 'a.log：无法读取（EIO）');
  t.equal(said({ language: 'zh' }, 'nothing of the kind'), 'nothing of the kind', 'what no table has');
});

t.test('says it with the names of options in English', async (t) => {
  t.match(said({ language: 'en' }, 'whole_word is on: parts of words do not count.'), /^--word is on:/);
});
