/** What the commands do not unpack of a cabinet: what could be no symbol file, or too large for one. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { BLOCK, buildCab } from '../crash/formats/built-cab.ts';
import { smallPdb } from '../crash/formats/built-pdb.ts';
import { runChs } from './run-chs.ts';

t.test('refuses a file that lies too far into its folder, before it unpacks what comes before', async (t) => {
  const cabinet = buildCab({ files: [['a.pdb', smallPdb()]] });
  const folderAt = 36;
  cabinet.writeUInt16LE(0xffff, folderAt + 4);
  cabinet.writeUInt32LE(0x2000_0000, cabinet.readUInt32LE(16) + 4);
  const cwd = t.testdir({ 'far.pd_': cabinet });
  t.match(await runChs(['pdb', 'show', 'far.pd_'], { cwd }), {
    code: 2,
    stderr: /holds more than the 500MB/,
  });
});

t.test('unpacks no more of what begins as no symbol file than its beginning', async (t) => {
  const damagedLater = (content: Buffer): Buffer =>
    buildCab({
      files: [['a.pdb', content]],
      packed: (packed, index) => (index === 0 ? packed : Buffer.alloc(packed.length)),
    });
  const noise = randomBytes(BLOCK * 3);
  const cwd = t.testdir({
    'noise.pd_': damagedLater(noise),
    'pdb.pd_': damagedLater(Buffer.concat([smallPdb(), noise])),
  });
  t.match(await runChs(['pdb', 'show', 'noise.pd_'], { cwd }), { code: 2, stderr: /neither/ });
  t.match(await runChs(['pdb', 'show', 'pdb.pd_'], { cwd }), { code: 2, stderr: /MSZIP signature/ });
});
