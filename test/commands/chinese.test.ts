/** What commands say of a wrong call, and why something failed, is there in Chinese: all of it, as the sources have it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { said } from '../../commands/backup/said.ts';
import { phraseInChinese } from '../../commands/phrases.ts';
import { knownReasonInChinese } from '../../src/platform/reasons.ts';
import { testFolder } from '../fixtures/folder.ts';
import { projectRoot } from '../fixtures/shared.ts';
import { runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(120_000);

const QUOTED = String.raw`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\x60(?:[^\x60\\]|\\.)*\x60`;
/** The arguments of a call: with calls in them, and those with calls in turn. */
const ARGUMENTS = String.raw`((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)`;

function sources(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** Texts of more than one word in the matches of a pattern, each value in them as an `x`. */
function phrases(path: string, pattern: RegExp): string[] {
  return [...readFileSync(join(projectRoot, path), 'utf8').matchAll(pattern)]
    .flatMap(([, text = '']) => text.match(new RegExp(QUOTED, 'g')) ?? [])
    .map((literal) => literal.slice(1, -1).replace(/\\(.)/g, '$1'))
    .map((text) => text.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, 'x'))
    .filter((text) => / [a-z]/.test(text));
}

/** What is put together of words that the table has, and what is a command line. */
const composed = [/^this x, and there is no terminal to ask on$/, /^x: x$/, /^schtasks /];

t.test('every usage error and its hint', async (t) => {
  const pattern = new RegExp(String.raw`usageError\(${ARGUMENTS}\)`, 'g');
  const all = sources('commands').flatMap((path) =>
    phrases(path, pattern).map((phrase) => ({ path, phrase })),
  );
  t.ok(all.length > 60, `${all.length} were found`);
  const missing = all.filter(({ phrase }) => phraseInChinese(phrase) === null);
  t.strictSame(
    missing.filter(({ phrase }) => !composed.some((one) => one.test(phrase))),
    [],
  );
});

t.test('every reason of an error of commands, backups and their places', async (t) => {
  const pattern = new RegExp(
    String.raw`(?:reason:|(?:refused|refusal|refuse|damaged|wrong)\((?:\w+,)?)\s*(${QUOTED})`,
    'g',
  );
  const places = ['commands', 'src/backup', 'src/backends'];
  const all = places
    .flatMap(sources)
    .flatMap((path) => phrases(path, pattern).map((phrase) => ({ path, phrase })));
  t.ok(all.length > 100, `${all.length} were found`);
  // Why retention keeps or removes something is in a table, and so is data. Others are names with a reason behind.
  const isOther = ({ path, phrase }: { path: string; phrase: string }) =>
    path.endsWith('retention.ts') || /^crontab -|^x(?:: x)+$/.test(phrase);
  // Some are given a name on their way.
  const isKnown = (phrase: string) =>
    [phrase, `x: ${phrase}`].some((text) => knownReasonInChinese(text) !== null);
  const missing = all.filter(({ phrase }) => !isKnown(phrase));
  t.strictSame(
    missing.filter((one) => !isOther(one)),
    [],
  );
});

t.test('every warning of the backup commands', async (t) => {
  const warnings = [
    '20251224T120000Z-1a2b3c: another installation signed its manifest',
    '20251224T120000Z-1a2b3c: the record of its verification does not count: it was changed',
    '/var/backups: 20251224T120000Z-1a2b3c: its manifest cannot be read: it is not JSON',
    '/var/backups: the record of what was pruned (removed.json) does not count: another installation signed it',
    '/var/backups: a backup that was there is gone: 20251224T120000Z-1a2b3c',
    '/var/backups: two backups have the number 4: one and other; do two machines share a key?',
    '/var/backups: permission denied; another place is used',
    '/var/backups: not pruned to the end: backups cannot be kept in /var/backups: permission denied',
    's3://bucket/x: 20251224T120000Z-1a2b3c is kept: it is dated in the future',
    's3://bucket/x: 20251224T120000Z-1a2b3c is kept: its manifest cannot be read: no manifest',
    's3://bucket/x: it has no copy of 20251224T120000Z-1a2b3c; another place is used',
    'the key that signs backups, /data/backup_key, cannot be used: it holds no private key (PEM, PKCS #8)',
    'main: the contents of the dump were not looked at',
    'A, B: set in this environment, secret, and not written into the schedule; put it into the configuration',
    'the timer was written and not started: there is no systemctl. Next: systemctl start x && systemctl y',
  ];
  for (const warning of warnings) {
    const chinese = said({ language: 'zh' }, warning);
    t.match(chinese, /\p{Script=Han}/u);
    t.notMatch(chinese.replace(/systemctl .*/, ''), /[a-z]{2,} [a-z]{2,}/, warning);
    t.equal(said({ language: 'en' }, warning), warning);
  }
  t.equal(said({ language: 'zh' }, 'x: nothing of the kind'), 'x: nothing of the kind');
});

const mistakes: readonly (readonly [line: string, message: RegExp])[] = [
  ['backup create --to x --server http://127.0.0.1:9', /--to is for databases here/],
  ['backup create a/app.db --server http://127.0.0.1:9', /'a\/app\.db' is a database here/],
  ['backup create a/app.db b/app.db', /two databases would be called 'app'/],
  ['backup create postgres://me:secret@host/x', /URL with a password/],
  ['backup create postgres://[', /not a postgres:\/\/ URL/],
  ['backup restore latest', /where to is not said/],
  ['backup restore latest --to x --in-place', /exclude each other/],
  ['backup restore latest --to ftp://host', /--to: this is not a postgres/],
  ['backup show not/an?id', /expected an ID as/],
  ['backup pull', /no server is named/],
  ['backup cron --print crontab --install crontab', /exclude each other/],
  ['backup cron --timezone Moon', /no zone 'Moon'/],
  ['backup cron --server http://127.0.0.1:9', /a schedule is for databases here/],
  ['backup prune --keep-days 0', /--keep-days/],
  ['backup verfy', /unknown command 'backup verfy'/],
];

for (const [line, message] of mistakes) {
  t.test(`refuses chs ${line}, in both languages`, async (t) => {
    const cwd = testFolder(t);
    const english = await runChs(line.split(' '), { cwd });
    t.match(english, { code: 64, stdout: '', stderr: message });
    t.notMatch(english.stderr, /secret/);
    const { code, stderr } = await runChs([...line.split(' '), '--lang', 'zh'], { cwd });
    t.equal(code, 64);
    for (const text of stderr
      .replace(/'[^']*'|`[^`]*`/g, '')
      .trim()
      .split('\n')) {
      t.match(text, /\p{Script=Han}/u);
      t.notMatch(text, /[A-Za-z]{2,} [a-z]{2,}/);
    }
  });
}

t.test('names before a sentence stay as they are', async (t) => {
  const gone = 'a backup that was there is gone: x';
  t.equal(said({ language: 'zh' }, `/no: pe/x: ${gone}`), '/no: pe/x：原有的备份已不存在：x');
});
