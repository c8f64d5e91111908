/** Encodings: telling them apart, their names, and what their codecs do with good and bad bytes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { test } from 'tap';
import { codecFor, detectEncoding, normaliseEncoding } from '../../../src/logs/source/encoding.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';

const ENCODINGS = [
  ...[
    'utf-8',
    'utf-16le',
    'utf-16be',
    'utf-32le',
    'utf-32be',
    'gb18030',
    'big5',
    'shift_jis',
    'euc-jp',
    'euc-kr',
  ],
  ...[
    'iso-8859-1',
    'windows-1252',
    'iso-8859-2',
    'iso-8859-15',
    'windows-1251',
    'koi8-r',
    'windows-874',
    'ibm866',
  ],
];

const TEXTS: Readonly<Record<string, string>> = {
  'utf-8': '错误 😀 é ascii',
  'utf-16le': '错误 😀 é ascii\r\n',
  'utf-16be': '错误 😀 é ascii\r\n',
  'utf-32le': '错误 😀 é ascii\r\n',
  'utf-32be': '错误 😀 é ascii\r\n',
  gb18030: '错误：连接失败 😀 € é',
  big5: '錯誤：連線失敗',
  shift_jis: 'エラー：接続に失敗しました ｱ',
  'euc-jp': 'エラー：接続に失敗しました',
  'euc-kr': '오류: 연결 실패 쀍',
  'iso-8859-1': 'déjà vu ÿ',
  'windows-1252': '“déjà” – 5 €',
  'iso-8859-2': 'błąd połączenia',
  'iso-8859-15': 'déjà 5 €',
  'windows-1251': 'Ошибка',
  'koi8-r': 'Ошибка',
  'windows-874': 'ข้อผิดพลาด',
  ibm866: 'Ошибка',
};

for (const encoding of ENCODINGS) {
  test(`writes and reads ${encoding}`, async (t) => {
    const codec = codecFor(encoding);
    const text = TEXTS[encoding] ?? '';
    const bytes = codec.encode(text);
    if (bytes === null) return t.fail('not encoded');
    t.equal(codec.decode(bytes), text);
    t.equal(
      codec.decode(Buffer.concat([Buffer.alloc(8), bytes, Buffer.alloc(8)]), 8, 8 + bytes.length),
      text,
    );
    if (iconv.encodingExists(encoding) && encoding !== 'utf-32be') {
      t.equal(iconv.decode(bytes, encoding), text, 'as another program reads it');
    }
    let at = 0;
    for (const character of text) {
      const length = codec.nextChar(bytes, at);
      t.equal(codec.decode(bytes, at, at + length), character);
      at += length;
    }
    t.equal(at, bytes.length);
    t.equal(codecFor(encoding), codec, 'made once');
  });

  test(`leaves out a character of ${encoding} that is cut, and survives any bytes`, async (t) => {
    const codec = codecFor(encoding);
    const text = TEXTS[encoding] ?? '';
    const bytes = codec.encode(text) ?? Buffer.alloc(0);
    for (let end = 0; end <= bytes.length; end += 1) {
      const part = codec.decode(bytes, 0, end);
      if (!text.startsWith(part)) t.fail(`${end}: ${part}`);
    }
    let seed = 1;
    for (let round = 0; round < 300; round += 1) {
      const noise = Buffer.from(
        Array.from({ length: 64 }, () => {
          seed = (seed * 1103515245 + 12345) % 2147483648;
          return (seed >> 16) & 0xff;
        }),
      );
      const decoded = codec.decode(noise);
      if (!decoded.isWellFormed()) t.fail('half a character');
      for (let at = 0; at < noise.length; ) {
        const length = codec.nextChar(noise, at);
        if (!(length >= 1 && length <= 4)) t.fail(`a step of ${length}`);
        at += length;
      }
    }
    t.equal(
      codec.decode(codec.encode('the next one') ?? Buffer.alloc(0)),
      'the next one',
      'nothing stays behind',
    );
  });
}

test('steps over invalid bytes as the decoder does', async (t) => {
  for (const encoding of ['gb18030', 'big5', 'shift_jis', 'euc-jp', 'euc-kr']) {
    const codec = codecFor(encoding);
    let seed = 7;
    for (let round = 0; round < 2000; round += 1) {
      const noise = Buffer.from(
        Array.from({ length: 6 }, () => {
          seed = (seed * 1103515245 + 12345) % 2147483648;
          return (seed >> 16) & 0xff;
        }),
      );
      const bytes = Buffer.concat([noise, Buffer.from('\n|needle|')]);
      let at = 0;
      while (bytes[at] !== 0x0a && at < bytes.length) at += codec.nextChar(bytes, at);
      if (bytes[at] !== 0x0a) t.fail(`${encoding} ${noise.toString('hex')}: a line end was taken for a half`);
    }
  }
});

test('says when an encoding lacks a character', async (t) => {
  for (const [encoding, text] of [
    ['big5', '😀'],
    ['shift_jis', '한'],
    ['euc-kr', '😀'],
    ['iso-8859-1', '€'],
    ['windows-1252', '错'],
    ['koi8-r', 'é'],
    ['iso-2022-jp', 'エラー'],
  ] as const) {
    t.equal(codecFor(encoding).encode(text), null, encoding);
  }
});

test('reads stateful encodings, and says that they are', async (t) => {
  const japanese = Buffer.from('error \x1b$B%(%i!<\x1b(B end', 'latin1');
  t.equal(codecFor('iso-2022-jp').decode(japanese), 'error エラー end');
  t.equal(detectEncoding(japanese, true).encoding, 'iso-2022-jp');
  const korean = Buffer.from('\x1b$)C\x0e?@7y\x0f: x\n', 'latin1');
  t.equal(codecFor('iso-2022-kr').decode(korean), '오류: x\n');
  t.equal(detectEncoding(korean, true).encoding, 'iso-2022-kr');
  t.ok(codecFor('iso-2022-jp').isStateful && codecFor('iso-2022-kr').isStateful);
  t.notOk(codecFor('gb18030').isStateful);
});

test('tells encodings by their marks', async (t) => {
  for (const [mark, encoding] of [
    ['efbbbf', 'utf-8'],
    ['fffe', 'utf-16le'],
    ['feff', 'utf-16be'],
    ['fffe0000', 'utf-32le'],
    ['0000feff', 'utf-32be'],
    ['84319533', 'gb18030'],
  ] as const) {
    const sample = Buffer.concat([
      Buffer.from(mark, 'hex'),
      codecFor(encoding).encode('a line\n') ?? Buffer.alloc(0),
    ]);
    t.match(detectEncoding(sample, true), {
      encoding,
      bomBytes: mark.length / 2,
      isBinary: false,
      isGuess: false,
    });
  }
});

test('tells UTF-16 and UTF-32 without marks', async (t) => {
  for (const encoding of ['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be']) {
    for (const text of [
      '2026-01-06 15:04:05 INFO started\r\n',
      '2026-01-06 15:04:05 错误：连接服务器失败，请重试\r\n',
    ]) {
      const bytes = codecFor(encoding).encode(text.repeat(3)) ?? Buffer.alloc(0);
      t.match(detectEncoding(bytes, true), { encoding, bomBytes: 0, isBinary: false }, `${encoding} ${text}`);
    }
  }
});

const LINES: readonly (readonly [encoding: string, text: string])[] = [
  ['gb18030', '严重: 错误\n'],
  ['gb18030', '2023年1月6日 10时52分21秒 服务启动\n'],
  ['gb18030', '[ERROR] 连接数据库失败\n'],
  ['gb18030', '十二月 09, 2019 9:05:21 下午 org.apache.catalina.core\r\n信息: Starting\r\n'],
  ['gb18030', '用户张三登录成功，订单号 12345，支付金额 ￥88.00\n'],
  ['gb18030', '警告：磁盘空间不足\n'],
  ['gb18030', `${'plain ascii line\n'.repeat(500)}警告\n`],
  ['big5', '錯誤：無法連線到伺服器，請稍後再試\n'],
  ['shift_jis', 'エラー：サーバーに接続できませんでした\n'],
  ['euc-jp', 'エラー：サーバーに接続できませんでした\n'],
  ['euc-kr', '오류: 서버에 연결할 수 없습니다\n'],
  ['windows-1252', 'Le fichier n’a pas été trouvé : accès refusé\n'],
  ['windows-1252', 'Fehler beim Öffnen der Datei, ungültiger Schlüssel\n'],
  ['windows-1252', 'conexión rechazada: señal 15\n'],
  ['windows-1251', 'Ошибка подключения к серверу: отказано в доступе. Повторите попытку позже.\n'.repeat(3)],
];

for (const [encoding, text] of LINES) {
  test(`takes ${JSON.stringify(text.slice(-40))} for ${encoding}`, async (t) => {
    const bytes = codecFor(encoding).encode(text) ?? Buffer.alloc(0);
    const found = detectEncoding(bytes, true);
    t.match(found, { encoding, isBinary: false });
    t.equal(codecFor(found.encoding).decode(bytes), text);
  });
}

test('takes for UTF-8 what is, cut or with a few bad bytes', async (t) => {
  const text = Buffer.from('错误：连接失败 é\n'.repeat(20));
  for (let cut = 1; cut < 8; cut += 1) {
    t.match(detectEncoding(text.subarray(0, text.length - cut), false), {
      encoding: 'utf-8',
      isGuess: false,
    });
  }
  t.equal(
    detectEncoding(Buffer.concat([text, Buffer.from([0xe9, 0x0a, 0xff, 0x0a])]), true).encoding,
    'utf-8',
  );
  t.match(detectEncoding(Buffer.alloc(0), true), { encoding: 'utf-8', isBinary: false });
  t.match(detectEncoding(Buffer.from('plain'), true), { encoding: 'utf-8', isBinary: false, isGuess: false });
});

test('tells binary files from texts with odd bytes', async (t) => {
  const isBinary = (bytes: Buffer) => detectEncoding(bytes, true).isBinary;
  t.ok(isBinary(readFileSync(process.execPath).subarray(0, 65536)), 'a program');
  t.ok(isBinary(Buffer.from('%PDF-1.7\nplain')));
  t.ok(isBinary(Buffer.alloc(4096)), 'nothing but zeros');
  t.ok(isBinary(Buffer.from('a\0b\0\0c\x02\x03')));
  t.ok(
    isBinary(Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff))),
  );
  t.notOk(isBinary(Buffer.from('\x1b[31merror\x1b[0m \x07\x08 text\n'.repeat(20))), 'colours');
  t.notOk(isBinary(Buffer.from('8=FIX.4.2\x019=178\x0135=8\x0149=A\n'.repeat(20))), 'FIX messages');
  t.notOk(isBinary(Buffer.concat([Buffer.alloc(8192), Buffer.from('line\n'.repeat(100))])), 'a hole');
  t.notOk(isBinary(Buffer.from(`${'line\n'.repeat(1000)}\0`)), 'a stray zero');
  t.notOk(isBinary(Buffer.from('ERROR one\0two\n')), 'a stray zero in one line');
  t.notOk(isBinary(Buffer.from(`${'ERROR of a small log\n'.repeat(10)}\0\0\0`)), 'some in a small log');
  t.ok(isBinary(Buffer.from('name\0\0\0\0\0\0size\0\0\0\0\0\0')), 'a small record of fields');
});

test('knows the names that people use', async (t) => {
  for (const [name, encoding] of [
    ['GBK', 'gb18030'],
    ['cp936', 'gb18030'],
    ['GB2312', 'gb18030'],
    ['gb_2312-80', 'gb18030'],
    ['GB18030', 'gb18030'],
    ['utf8', 'utf-8'],
    ['UTF-8', 'utf-8'],
    ['ascii', 'utf-8'],
    ['UTF-16', 'utf-16le'],
    ['utf16be', 'utf-16be'],
    ['UTF-32LE', 'utf-32le'],
    ['latin1', 'iso-8859-1'],
    ['ISO_8859-1', 'iso-8859-1'],
    ['cp1252', 'windows-1252'],
    ['windows1251', 'windows-1251'],
    ['CP866', 'ibm866'],
    ['Shift-JIS', 'shift_jis'],
    ['cp932', 'shift_jis'],
    ['EUC-JP', 'euc-jp'],
    ['cp949', 'euc-kr'],
    ['Big5-HKSCS', 'big5'],
    ['iso-2022-jp', 'iso-2022-jp'],
    ['iso8859-15', 'iso-8859-15'],
  ] as const) {
    t.equal(normaliseEncoding(name), encoding, name);
  }
  for (const encoding of ENCODINGS) t.equal(normaliseEncoding(encoding), encoding);
  for (const name of ['', 'klingon', 'utf-7', 'replacement', 'x-user-defined', '__proto__', 'constructor']) {
    t.throws(() => normaliseEncoding(name), { code: 'INVALID_ENCODING', params: { encoding: name } }, name);
  }
  t.throws(() => codecFor('klingon'), { code: 'INVALID_ENCODING' });
});

test('reads the same lines from a Chinese log in five forms', {
  skip: sharedFixtures('logs') === null && 'the shared fixtures are not here',
}, async (t) => {
  const folder = join(sharedFixtures('logs') ?? '', 'zh');
  const read = (name: string) => readFileSync(join(folder, name));
  const forms: readonly (readonly [Buffer, string])[] = [
    [read('tomcat_zh.utf8.log'), 'utf-8'],
    [read('tomcat_zh.gbk.log'), 'gb18030'],
    [read('tomcat_zh.gb18030.log'), 'gb18030'],
    [read('tomcat_zh.utf16le_bom.log'), 'utf-16le'],
    [gunzipSync(read('tomcat_zh.gbk.log.gz')), 'gb18030'],
  ];
  const lines = forms.map(([bytes, encoding]) => {
    const found = detectEncoding(bytes, true);
    t.match(found, { encoding, isBinary: false, isGuess: false });
    return codecFor(encoding).decode(bytes, found.bomBytes).split(/\r?\n/);
  });
  for (const other of lines) t.same(other, lines[0]);
  t.ok(lines[0] && lines[0].length > 20 && lines[0].some((line) => line.includes('信息')));
});
