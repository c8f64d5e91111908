/** `chs logs`: search in log files, and what is made of what was found. */
import type { Command } from 'commander';
import { addGroup, type CommandContext } from './define.ts';
import { browseCommand } from './logs/browse.ts';
import { explainCommand } from './logs/explain.ts';
import { factCommands } from './logs/facts.ts';
import { formatsCommand } from './logs/formats.ts';
import { lineCommands } from './logs/lines.ts';
import { openCommand } from './logs/open.ts';
import { reportCommand } from './logs/report.ts';
import { searchCommand } from './logs/search.ts';
import { sessionsCommand } from './logs/sessions.ts';
import { statsCommands } from './logs/stats.ts';
import { timelineCommand } from './logs/timeline.ts';

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'logs',
    summary: 'Search log files, and make facts, timelines and reports of what is found',
    examples: ['chs logs search timeout', 'chs logs stats /var/log/app', 'chs logs open /var/log/app'],
  });
  searchCommand(group, context);
  explainCommand(group, context);
  statsCommands(group, context);
  browseCommand(group, context);
  lineCommands(group, context);
  openCommand(group, context);
  formatsCommand(group, context);
  factCommands(group, context);
  timelineCommand(group, context);
  reportCommand(group, context);
  sessionsCommand(group, context);
}
