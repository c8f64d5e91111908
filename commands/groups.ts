/** The groups of commands, each loaded only when it is named. */
import type { Command } from 'commander';
import type { CommandContext } from './define.ts';
import { wrapWords } from './views/wrap.ts';

export interface GroupModule {
  /** Adds the group, or the command of that name, to the program. */
  register(program: Command, context: CommandContext): void;
}

export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly section: 'Crashes' | 'Logs' | 'Backups' | 'Server' | 'Setup';
  readonly load: () => Promise<GroupModule>;
}

export const groups: readonly Group[] = [
  {
    name: 'dump',
    summary: 'Upload, list, show, download and explain minidumps',
    section: 'Crashes',
    load: () => import('./dump.ts'),
  },
  {
    name: 'pdb',
    summary: 'Upload, list, show and download PDBs, and find the one that a dump needs',
    section: 'Crashes',
    load: () => import('./pdb.ts'),
  },
  {
    name: 'exe',
    summary: 'Upload, list, show and download EXEs and DLLs',
    section: 'Crashes',
    load: () => import('./exe.ts'),
  },
  {
    name: 'symbols',
    summary: 'Check that all PDBs are stored; export and import symbol stores',
    section: 'Crashes',
    load: () => import('./symbols-group.ts'),
  },
  {
    name: 'logs',
    summary: 'Search log files, and make facts, timelines and reports of what is found',
    section: 'Logs',
    load: () => import('./logs.ts'),
  },
  {
    name: 'mcp',
    summary: 'Give the log tools to a language model over MCP',
    section: 'Logs',
    load: () => import('./mcp.ts'),
  },
  {
    name: 'backup',
    summary: 'Back up live databases, verify, restore and prune backups',
    section: 'Backups',
    load: () => import('./backup.ts'),
  },
  {
    name: 'serve',
    summary: 'Serve all of this over HTTP',
    section: 'Server',
    load: () => import('./serve.ts'),
  },
  {
    name: 'token',
    summary: 'Make, list and revoke API keys',
    section: 'Server',
    load: () => import('./token.ts'),
  },
  {
    name: 'config',
    summary: 'Write, show and check the configuration',
    section: 'Setup',
    load: () => import('./config.ts'),
  },
  {
    name: 'doctor',
    summary: 'Check that chs can work on this machine',
    section: 'Setup',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'demo',
    summary: 'Try it all on an example crash, in a directory of its own',
    section: 'Setup',
    load: () => import('./demo.ts'),
  },
];

/**
 * What `chs` says when it is called without a group; needs none of them.
 *
 * @param columns of the terminal; null for none
 */
export function overview(columns: number | null): string {
  const indent = Math.max(...groups.map(({ name }) => name.length)) + 4;
  const words = (text: string): string[] => wrapWords(text, columns);
  const described = ({ name, summary }: Group): string => {
    const lines = wrapWords(summary, columns === null ? null : columns - indent);
    return `  ${name}`.padEnd(indent) + lines.join(`\n${' '.repeat(indent)}`);
  };
  const section = (title: Group['section']): string[] => [
    title,
    ...groups.filter((group) => group.section === title).map(described),
    '',
  ];
  return [
    ...words('chs: crash dumps, symbols, logs and backups, from the command line and as a small server.'),
    '',
    ...words('Usage: chs GROUP [VERB] [options]'),
    '',
    ...section('Crashes'),
    ...section('Logs'),
    ...section('Backups'),
    ...section('Server'),
    ...section('Setup'),
    'Examples',
    '  $ chs demo',
    '  $ chs dump show crash.dmp',
    '  $ chs logs search "connection refused" /var/log --since 2h',
    '  $ chs dump upload crash.dmp --server https://crash.example.org --key-file key.txt',
    '',
    ...words('`chs GROUP --help` and `chs help GROUP VERB` say more; `chs --version` gives the version.'),
    '',
  ].join('\n');
}
