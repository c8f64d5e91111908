/** Redaction: nothing secret survives, and what is evidence stays. */
import t from 'tap';
import { loadRedactRules } from '../../../src/logs/facts/load.ts';
import { redact, redactLines } from '../../../src/logs/facts/redact.ts';

const { rules } = await loadRedactRules(null);

/** The letters hunter2 stand in whatever has to go. */
const secrets: readonly string[] = [
  'password=hunter2',
  'password = "hunter2 and more hunter2"',
  "passwd: 'hunter2'",
  'db.password: hunter2',
  'user=bob,password=hunter2,host=db',
  'password=hu,nter2hunter2',
  '{"user":"bob","password":"hunter2","n":1}',
  '{"password" : "a\\"hunter2"}',
  '{"msg":"{\\"api_key\\":\\"hunter2\\"}"}',
  'API_KEY=hunter2 started',
  'aws_secret_access_key = hunter2hunter2',
  'X-Api-Key: hunter2',
  'client_secret=hunter2&grant_type=x',
  'GET /cb?access_token=hunter2&state=1 200',
  'GET /x?sig=hunter2%3D HTTP/1.1',
  'Authorization: Basic hunter2==',
  'authorization: Bearer hunter2hunter2',
  '"Authorization":"Bearer hunter2.abc"',
  'Authorization: Digest username="bob", response="hunter2"',
  'headers: { authorization: "token hunter2" }',
  'sent Bearer hunter2hunter2 to peer',
  'Cookie: sid=hunter2; theme=hunter2',
  'Set-Cookie: session=hunter2; Path=/',
  'postgres://bob:hunter2@db:5432/x',
  'redis://:hunter2@cache/0',
  'https://bob:p@hunter2@example.org/x',
  '-----BEGIN RSA PRIVATE KEY-----\\nhunter2hunter2\\n-----END RSA PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----hunter2',
  'mysql --user bob --password hunter2 db',
  "CREATE USER x IDENTIFIED BY 'hunter2'",
  'Server=db;User Id=sa;Password=hunter2;Timeout=5',
  'AccountKey=hunter2==;EndpointSuffix=core',
  'token: hunter2',
  'authToken=hunter2',
  'token=AccessToken(value=hunter2)',
  '"passwords: {"password": ["hunter2"]}',
  '<db><password>hunter2</password></db>',
  'body=user%3Dbob%26password%3Dhunter2',
  'Driver=x;PWD={hunter2};',
  'secret="<hunter2>"',
  'pw=hunter2',
  'secret: hunter2',
  'DBPASS=hunter2',
  'export db_pass=hunter2',
  'TOKEN=hunter2',
  '密码：hunter2',
  '密码=hunter2',
  'jwt=eyJhbGciOiJI.eyJzdWIiOiIx.hunter2',
  'see eyJhbGciOiJI.eyJzdWIiOiIx.hunter2 there',
  'ghp_hunter2hunter2hunter2hunter2hunter2hu',
  'xoxb-1234567890-hunter2',
  'sk_live_hunter2hunter2hu',
];

t.test('leaves no secret', async (t) => {
  for (const line of secrets) {
    const redacted = redact(rules, line);
    t.notMatch(redacted, /hunter2/, `${line} -> ${redacted}`);
    t.match(redacted, /\[REDACTED:\w+\]/, redacted);
    t.equal(redact(rules, redacted), redacted, 'a second time changes nothing');
    const inside = redact(rules, `2024-01-01 10:00:00 ERROR [main] failed: ${line}`);
    t.notMatch(inside, /hunter2/, inside);
    t.match(inside, /^2024-01-01 10:00:00 ERROR \[main\] failed: /, 'what stands before is evidence');
  }
});

t.test('leaves no secret of letters alone', async (t) => {
  for (const line of [
    'secret: letmein',
    'pass: letmein',
    'password is wrong; password: letmein',
    'token=letmein',
  ])
    t.notMatch(redact(rules, line), /letmein/, line);
});

t.test('leaves no key, card or body of a key', async (t) => {
  t.equal(redact(rules, 'id AKIAIOSFODNN7EXAMPLE x'), 'id [REDACTED:aws_key] x');
  t.equal(redact(rules, 'card 4111 1111 1111 1111 ok'), 'card [REDACTED:card_number] ok');
  t.equal(redact(rules, 'card=378282246310005'), 'card=[REDACTED:card_number]');
  t.equal(redact(rules, `${'aB3/'.repeat(15)}xYz+`), '[REDACTED:private_key_body]');
  t.strictSame(
    redactLines(rules, [
      'a',
      '-----BEGIN EC PRIVATE KEY-----',
      'c2hvcnQ',
      'bW9y',
      '-----END EC PRIVATE KEY-----',
      'z',
    ]),
    [
      'a',
      '[REDACTED:private_key]',
      '[REDACTED:private_key]',
      '[REDACTED:private_key]',
      '-----END EC PRIVATE KEY-----',
      'z',
    ],
  );
});

t.test('a key is hidden though its beginning or its end is out of sight', async (t) => {
  const body = `${'aB3/'.repeat(15)}xYz+`;
  const hidden = '[REDACTED:private_key]';
  const end = '-----END PRIVATE KEY-----';
  t.strictSame(redactLines(rules, ['c2hvcnQ=', end, 'z']), [hidden, end, 'z']);
  t.strictSame(redactLines(rules, [body, 'c2hvcnQ=', 'z z']), ['[REDACTED:private_key_body]', hidden, 'z z']);
  const whole = redactLines(rules, ['-----BEGIN PRIVATE KEY-----', `c2hvcnQ\nbW9y\n${end}\nz`, 'y']);
  t.strictSame(whole, [hidden, `${hidden}\n${hidden}\n${end}\nz`, 'y']);
  t.strictSame(redactLines([], ['c2hvcnQ=', end]), ['c2hvcnQ=', end], 'where nothing is to be hidden');
});

t.test('a long line of many secrets', async (t) => {
  const pair = 'token=abc123def&key=zzz9;';
  const line = pair.repeat(Math.ceil(1_000_000 / pair.length));
  const expected = 'token=[REDACTED:secret_field]&key=zzz9;'.repeat(line.length / pair.length);
  t.ok(redact(rules, line) === expected);
});

t.test('keeps the rest of the line', async (t) => {
  const kept: readonly (readonly [line: string, redacted: string])[] = [
    ['user=bob,password=x7,host=db', 'user=bob,password=[REDACTED:secret_field],host=db'],
    ['{"password":"x7","n":1}', '{"password":"[REDACTED:secret_field]","n":1}'],
    ['(password=x7) failed', '(password=[REDACTED:secret_field]) failed'],
    ['GET /cb?access_token=x7&state=1 200', 'GET /cb?access_token=[REDACTED:secret_field]&state=1 200'],
    ['postgres://bob:x7@db:5432/x refused', 'postgres://bob:[REDACTED:url_password]@db:5432/x refused'],
    ['Authorization: Bearer x7x7x7x7 sent', 'Authorization: Bearer [REDACTED:authorization] sent'],
  ];
  for (const [line, redacted] of kept) t.equal(redact(rules, line), redacted);
});

t.test('touches no evidence', async (t) => {
  const lines = [
    'Failed password for root from 10.0.0.1 port 22 ssh2',
    'Bearer authentication failed for bob',
    'SyntaxError: Unexpected token: end of input',
    'max_tokens=4000 tokens: 512 token_count=7',
    'password=null token=true secret="" api_key=***',
    'signature: invalid',
    'authorization: denied for bob',
    'at com.example.TokenService.refresh(TokenService.java:42)',
    'BLOCK* NameSystem.allocateBlock: /x/part-00000. blk_-4411111111111111',
    'epoch 1700000000000000000 and 1700000000000000',
    'order 4111 1111 1111 1112 is no card',
    'sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'GET https://example.org:8080/a?b=c@d',
    'mail bob@example.org from 10.0.0.1:80',
    'pass: 12, fail: 3',
    'passed: 12, bypass=7, wtoken = 12',
    'token=Token{a64f992 ActivityRecord{de9231d u0}}',
    'Bad activity token: android.os.BinderProxy@2d1b8fa',
    'key=42 primary_key=id keyboard=us',
    '用户登录失败，密码错误',
  ];
  for (const line of lines) t.equal(redact(rules, line), line);
});

t.test('takes any text, and never loses the line around', async (t) => {
  const pieces = [...secrets.flatMap((line) => line.split(/(?<=\W)/)), '\ud83d', '\0', '错', '"', '\\'];
  let seed = 13;
  for (let count = 0; count < 2000; count += 1) {
    let line = '';
    for (let left = 12; left > 0; left -= 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      line += pieces[(seed >>> 8) % pieces.length];
    }
    const redacted = redact(rules, `begin ${line}`);
    if (!redacted.startsWith('begin ')) t.fail(line);
  }
  const long = `a=${'x'.repeat(200_000)} password=hunter2`;
  t.notMatch(redact(rules, long).slice(-40), /hunter2/);
});
