/** What of a line is masked, and what is kept. */
import t from 'tap';
import { LineMask } from '../../../src/logs/patterns/mask.ts';

const mask = new LineMask();

function masked(line: string, start = 0): string {
  mask.mask(line, start);
  return mask.key.text().replaceAll('\0', '<*>');
}

t.test('masks what varies', async (t) => {
  const lines: readonly (readonly [line: string, key: string])[] = [
    ['took 12 ms, 0x7ffe and -3.5e7', 'took <*> ms, <*> and <*>'],
    ['blk_-1608999687919862906 of job_1445144423722_0020', 'blk_<*> of job_<*>'],
    ['id 9f4ef63d-aaaa-4bbb-8ccc-1234567890ab done', 'id <*> done'],
    ['commit a64f992 and deadbeef', 'commit <*> and <*>'],
    ['from 10.251.73.220:42557 to [fe80::1ff:fe23:4567:890a]:80', 'from <*> to [<*>]:<*>'],
    ['GET /api/v1/users/7?x=1 HTTP/1.1 200', 'GET <*>=<*> HTTP/<*>'],
    ['open C:\\Program Files\\x.txt', 'open <*> Files\\x.txt'],
    ['see https://example.org/a?b=c&d=e (here)', 'see https://<*> (here)'],
    ['mail to bob.smith@example.org failed', 'mail to <*> failed'],
    ['said "no such host" twice', 'said "<*>" twice'],
    ["can't open 'file one' now", "can't open '<*>' now"],
    ['uid=0 path=/var/log state=OPEN ws=null n=', 'uid=<*> path=<*> state=OPEN ws=<*> n='],
    ['level=warn msg="disk 7 full" dur=1.5s', 'level=warn msg="disk <*> full" dur=<*>'],
    [
      '{"level":"info","msg":"disk 7 full","host":"a b","n":7}',
      '{"level":"info","msg":"disk <*> full","host":"<*>","n":<*>}',
    ],
    ['Sun Dec 04 04:47:44 2005 up', '<*> up'],
    ['2024-05-17T10:00:00.123+08:00 up', '<*> up'],
    ['用户123登录失败，耗时45毫秒', '用户<*>登录失败，耗时<*>毫秒'],
    ['jk2_init() eth0 node12 log4j', 'jk2_init() eth<*> node<*> log4j'],
    ['list [1, 2, 3, 4] of 5 6', 'list [<*>] of <*>'],
    ['  two\t spaces\0 ', 'two spaces'],
    ['a-b c/d x.y=z', 'a-b c/d x.y=z'],
  ];
  for (const [line, key] of lines) t.equal(masked(line), key, line);
});

t.test('begins where the content does', async (t) => {
  t.equal(masked('2024-05-17 10:00:00 disk 7 full', 19), 'disk <*> full');
  t.equal(masked('short', 50), '');
});

t.test('gives one key for any line, in bounded time', async (t) => {
  const pieces = [
    '"',
    "'",
    '=',
    '{',
    '"k":',
    '/',
    '://',
    '@',
    '.',
    '-',
    '9',
    'ab',
    ' ',
    '\0',
    '\x01',
    '(',
    ')',
    '数',
    '\ud800',
    'C:\\',
    'Jan',
  ];
  let seed = 11;
  for (let count = 0; count < 30_000; count += 1) {
    let line = '';
    for (let left = 1 + (seed % 15); left > 0; left -= 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      line += pieces[(seed >>> 12) % pieces.length];
    }
    mask.mask(line, 0);
    const key = mask.key.text();
    const { hash } = mask.key;
    if (key.includes('\x01')) t.fail(`a control character got through: ${JSON.stringify(line)}`);
    mask.mask(line, 0);
    if (mask.key.text() !== key || mask.key.hash !== hash || !mask.key.is(key)) t.fail(JSON.stringify(line));
    mask.key.take(key);
    if (mask.key.hash !== hash) t.fail(`the hash of a key is another: ${JSON.stringify(line)}`);
  }
  for (const piece of pieces) {
    mask.mask(piece.repeat(200_000), 0);
    t.ok(mask.key.length <= 8192, JSON.stringify(piece));
  }
});
