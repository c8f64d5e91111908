/** `chs backup`: consistent snapshots of live databases, kept, verified and restored. */
import type { Command } from 'commander';
import { createCommand } from './backup/create.ts';
import { cronCommand } from './backup/cron.ts';
import { drillCommand } from './backup/drill.ts';
import { listCommands } from './backup/list.ts';
import { pruneCommand } from './backup/prune.ts';
import { pullCommand } from './backup/pull.ts';
import { restoreCommand } from './backup/restore.ts';
import { verifyCommand } from './backup/verify.ts';
import { addGroup, type CommandContext } from './define.ts';

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'backup',
    summary: 'Back up live databases, verify, restore and prune backups',
    examples: ['chs backup create', 'chs backup list', 'chs backup restore latest --to /tmp/restored'],
  });
  createCommand(group, context);
  listCommands(group, context);
  verifyCommand(group, context);
  restoreCommand(group, context);
  pruneCommand(group, context);
  pullCommand(group, context);
  drillCommand(group, context);
  cronCommand(group, context);
}
