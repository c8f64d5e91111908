/** `chs backup verify`: reads a backup back, and checks everything about it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { VerifyResult } from '../../src/backup/fields.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { optionsOf, readInput } from '../flags.ts';
import type { ExitCode, Run } from '../run.ts';
import { checkLines, nameAndTime } from '../views/backup.ts';
import { datum } from '../views/facts.ts';
import { checkFile, refuseCopy } from './check-file.ts';
import { followRun } from './follow-run.ts';
import { said } from './said.ts';
import { isLocalBackup } from './source.ts';

const operation = backupOperations.verifyBackup;

export function verifyCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'verify',
    summary: operation.summary,
    description:
      "Checksums, gzip, SQLite's integrity_check and foreign_key_check, pg_restore --list, the stored files, signature and " +
      'chain. A file or folder here is checked without any of the backups that are kept: a download, NAME.db, NAME.db.gz, ' +
      'NAME.dump, the folder of a backup. Exit code 1 when something is wrong.',
    arguments: [
      {
        syntax: '[backup]',
        description: 'an ID, a file or a folder; without it the latest',
        complete: 'file',
      },
    ],
    options: () => optionsOf(operation),
    examples: [
      'chs backup verify',
      'chs backup verify 20251224T120000Z-a1b2c3 --copy',
      'chs backup verify backup.zip',
    ],
    action: verify,
  });
}

async function verify(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out } = run;
  const [ref = 'latest'] = invocation.args;
  const result = isLocalBackup(ref) ? await local(run, invocation, ref) : await kept(run, invocation, ref);
  if (!result) return 2;
  if (out.json) out.value(result);
  else {
    for (const line of await checkLines(result.checks, out)) out.line(line);
    const verdict = result.ok ? out.style.green('ok') : out.style.red('FAILED');
    out.line(`${nameAndTime(result, Date.now())}: ${verdict}`);
  }
  for (const warning of result.warnings) out.warn(said(run, datum(warning)));
  return result.ok ? 0 : 1;
}

async function local(run: Run, { options }: Invocation, path: string): Promise<VerifyResult> {
  refuseCopy(options.copy, path);
  return checkFile(run, resolve(run.cwd, path));
}

async function kept(run: Run, invocation: Invocation, id: string): Promise<VerifyResult | undefined> {
  const input = readInput(operation, invocation, { id });
  const connection = await run.connect('backup');
  const started = await connection.client(backupOperations).verifyBackup(input, { signal: run.signal });
  return (await followRun(run, connection, started.run)).verification;
}
