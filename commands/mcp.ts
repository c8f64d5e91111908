/** `chs mcp` */
import type { Command } from 'commander';
import type { CommandContext } from './define.ts';
export function register(_p: Command, _c: CommandContext): void {}
