/** Levels of lines in the spellings of many programs. */
import t from 'tap';
import { type Level, levelOf } from '../../src/logs/levels.ts';

const lines: readonly (readonly [line: string, level: Level | null])[] = [
  ['2024-05-17 10:00:00,123 ERROR [main] com.example.App - cannot open', 'error'],
  ['2024-05-17 10:00:00.123  WARN 4711 --- [nio-8080-exec-1] o.s.web.Filter : slow', 'warn'],
  ['[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok', 'info'],
  ['[Sun Dec 04 04:47:44.12 2005] [core:error] [pid 35708] AH00037: link not allowed', 'error'],
  ['2024/05/17 10:00:00 [error] 1234#0: *5 connect() failed', 'error'],
  ['2024/05/17 10:00:00 [warn] 1234#0: conflicting server name', 'warn'],
  ['E0517 10:00:00.123456  1234 file.cc:12] cannot open', 'error'],
  ['I20240517 10:00:00.123456  1234 file.cc:12] started', 'info'],
  ['F0517 10:00:00.123456  1234 file.cc:12] Check failed', 'fatal'],
  ['03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing', 'debug'],
  ['03-17 16:13:38.811 E/ActivityManager( 1702): ANR', 'error'],
  ['W/System.err( 1702): java.lang.NullPointerException', 'warn'],
  ['2020-01-01T00:00:00.000+0000 I  NETWORK  [conn1] end connection', 'info'],
  ['time=2024-05-17T10:00:00Z level=warn msg="an error happened"', 'warn'],
  ['ts=1 caller=x.go:1 msg="fatal error: none" lvl=dbug', 'debug'],
  ['{"level":"error","msg":"x"}', 'error'],
  ['{"time":"2024","msg":"no error here","severity":"INFO"}', 'info'],
  ['{"level":30,"time":1,"msg":"pino"}', 'info'],
  ['{"version":"1.1","level":3,"short_message":"gelf"}', 'error'],
  ['{"msg":"no level, but an error"}', null],
  ['<3>kernel: oops', 'error'],
  ['<13>May 17 10:00:00 host app: text', 'info'],
  ['<191>May 17 10:00:00 host app: text', 'debug'],
  ['<999>May 17 text', null],
  ['严重: 初始化失败', 'error'],
  ['2017-12-01 03:04:05 警告 [main] 磁盘空间不足', 'warn'],
  ['【错误】无法连接数据库', 'error'],
  ['信息: Server startup in 1234 ms', 'info'],
  ['[调试] 错误码为零', 'debug'],
  ['17-May-2024 10:00:00.123 SEVERE [main] org.apache.catalina', 'error'],
  ['WARNING:root:watch out', 'warn'],
  ['2024-05-17 10:00:00 UTC [123] FATAL:  the database system is starting up', 'fatal'],
  ['2024-05-17 10:00:00 UTC [123] LOG:  checkpoint starting', 'info'],
  ['npm ERR! code E404', 'error'],
  ['May 17 10:00:00 host app[12]: error: cannot open', 'error'],
  ['Error: connect ECONNREFUSED', 'error'],
  ['[2024-05-17 10:00:00] production.CRITICAL: down', null],
  ['2024-05-17 10:00:00 INFO retry after ERROR from upstream', 'info'],
  ['2024-05-17 10:00:00 DEBUG error: none, [error] list is empty', 'debug'],
  ['the request ended with an error: nothing else was said about it', null],
  ['mod_jk child workerEnv in error state 6', null],
  ['reading error_log and warn.txt of /var/info', null],
  ['Found 3 D drives', null],
  ['', null],
];

t.test('reads the level of each spelling', async (t) => {
  for (const [line, level] of lines) t.equal(levelOf(line), level, line);
});

t.test('takes any text', async (t) => {
  const pieces = [
    'ERROR',
    '[',
    ']',
    '{"level":',
    '"',
    '<',
    '3>',
    'level=',
    'E',
    '/',
    '0517 1',
    '\0',
    '错误',
    '\ud800',
    ' ',
    ':',
  ];
  let seed = 7;
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 8;
  };
  for (let count = 0; count < 20_000; count += 1) {
    let line = '';
    for (let piece = next() % 12; piece > 0; piece -= 1) line += pieces[next() % pieces.length];
    const level = levelOf(line);
    if (level !== null && !['fatal', 'error', 'warn', 'info', 'debug', 'trace'].includes(level)) t.fail(line);
  }
  t.equal(levelOf(`${'x'.repeat(1_000_000)} ERROR`), null, 'and looks at the head of a long line alone');
});
