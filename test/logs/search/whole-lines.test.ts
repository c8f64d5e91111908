/** Where the last whole line of a file ends, whatever its size and encoding. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import t from 'tap';
import { wholeLinesEnd } from '../../../src/logs/search/whole-lines.ts';
import { testFolder } from '../../fixtures/folder.ts';
import { plainFile } from './engine.ts';

t.test('finds the last line end in files of many sizes', async (t) => {
  const path = join(testFolder(t), 'a.log');
  for (const encoding of ['utf-8', 'utf-16le', 'utf-16be']) {
    const lineEnd = iconv.encode('\n', encoding, { addBOM: false });
    for (const before of [0, 1, 65_533, 65_536, 131_073, 200_002]) {
      for (const after of [0, 1, 3, 65_535, 65_537, 150_001]) {
        const head = iconv.encode('x'.repeat(before), encoding, { addBOM: false });
        const tail = iconv.encode('ਊ'.repeat(after), encoding, { addBOM: false });
        writeFileSync(path, Buffer.concat([head, lineEnd, tail]));
        const end = wholeLinesEnd(plainFile(path, { encoding, bomBytes: 0 }), 1_048_576);
        if (end !== head.length + lineEnd.length)
          t.equal(end, head.length + lineEnd.length, `${encoding} ${before} ${after}`);
      }
    }
  }
  writeFileSync(path, 'no end');
  t.equal(wholeLinesEnd(plainFile(path, { encoding: 'utf-8', bomBytes: 0 }), 100), 0);
  t.equal(wholeLinesEnd(plainFile(path, { encoding: 'utf-8', bomBytes: 0 }), 3), 6);
});
