/** The verbs that minidumps, PDBs and EXEs share, built from what tells one kind from another. */
import { type Command, Option } from 'commander';
import type { CallOptions, Client, Download } from '../src/connect.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { inputKeys, type Operation } from '../src/operation.ts';
import { addCommand, type CommandContext, completed, type Invocation } from './define.ts';
import { usageError } from './failure.ts';
import { attributeOf, optionsOf, readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { batchOptions } from './upload/batch-options.ts';
import { datum } from './views/facts.ts';
import { type Column, type Row, renderTable } from './views/table.ts';

export type CrashClient = Client<typeof crashOperations>;

/** One page of a list: the operation's own reply, and its rows as table cells. */
export interface ListedPage {
  readonly reply: { readonly page: number; readonly page_size: number; readonly total: number };
  readonly rows: readonly Row[];
}

/** What tells minidumps, PDBs and EXEs apart on the command line. */
export interface CrashFileKind {
  readonly group: 'dump' | 'pdb' | 'exe';
  readonly one: string;
  readonly many: string;
  readonly extension: string;
  readonly operations: {
    readonly upload: Operation;
    readonly list: Operation;
    readonly download: Operation;
    readonly remove: Operation;
  };
  readonly columns: readonly Column[];
  list(client: CrashClient, invocation: Invocation, call: CallOptions): Promise<ListedPage>;
  download(client: CrashClient, id: string, call: CallOptions): Promise<Download>;
  remove(
    client: CrashClient,
    id: string,
    call: CallOptions,
  ): Promise<{ readonly id: string; readonly no_longer_debuggable?: number }>;
}

/** Adds upload, list, download and delete below a group. */
export function addFileCommands(group: Command, context: CommandContext, kind: CrashFileKind): void {
  addUpload(group, context, kind);
  addList(group, context, kind);
  addDownload(group, context, kind);
  addDelete(group, context, kind);
}

function addUpload(parent: Command, context: CommandContext, kind: CrashFileKind): void {
  const { group, extension, many, operations } = kind;
  addCommand(parent, context, {
    name: 'upload',
    summary: operations.upload.summary,
    description:
      `${operations.upload.description ?? 'What the options leave out is read from the file.'}\n\n` +
      `Of a directory the ${many} below it are sent, other files are passed over. Patterns (*, **, ?, {a,b}) are for ` +
      'shells that leave them as they are; quote them elsewhere. What the server has already is not sent again, so ' +
      'that a batch goes on where it was interrupted. Exit code 2: at least one file failed.',
    arguments: [
      {
        syntax: '<files...>',
        description: 'files, directories or patterns; - reads standard input',
        complete: 'file',
      },
    ],
    options: () => [...optionsOf(operations.upload), ...batchOptions()],
    examples: [
      `chs ${group} upload crashme${extension}`,
      `chs ${group} upload out 'lib/**/*${extension}' --server https://crash.example.org --summary uploaded.json`,
    ],
    async action(run, invocation) {
      const { uploadFiles } = await import('./upload.ts');
      return uploadFiles(run, invocation, group);
    },
  });
}

function addList(parent: Command, context: CommandContext, kind: CrashFileKind): void {
  const { group, operations } = kind;
  addCommand(parent, context, {
    name: 'list',
    summary: operations.list.summary,
    options: () => optionsOf(operations.list),
    examples: [`chs ${group} list`, `chs ${group} list --version 1.2.3.4 --page-size 50 --json`],
    action: (run, invocation) => listFiles(run, invocation, kind),
  });
}

function addDownload(parent: Command, context: CommandContext, kind: CrashFileKind): void {
  const { group, extension, operations } = kind;
  addCommand(parent, context, {
    name: 'download',
    summary: operations.download.summary,
    description:
      'The file appears under its name only when it is whole and its SHA-256 is right. A pipe or a device gets the bytes ' +
      'as they come; of a symbolic link, the file that it leads to is written.',
    arguments: [{ syntax: '<id>', description: 'the ID that the upload gave' }],
    options: () => [
      completed(
        new Option('-o, --output <file>', 'write to this file or directory; - is standard output'),
        'file',
      ),
      new Option('-f, --force', 'overwrite a file that exists'),
    ],
    examples: [`chs ${group} download ID`, `chs ${group} download ID -o crashme${extension}`],
    async action(run, { args: [id = ''], options }) {
      readInput(operations.download, { options: {} }, { id });
      const { downloadFile } = await import('./download.ts');
      const client = (await run.connect()).client(crashOperations);
      await downloadFile(run, {
        open: () => kind.download(client, id, { signal: run.signal }),
        output: typeof options.output === 'string' ? options.output : null,
        force: options.force === true,
        fallbackName: `${id}${extension}`,
      });
      return 0;
    },
  });
}

function addDelete(parent: Command, context: CommandContext, kind: CrashFileKind): void {
  const { group, operations } = kind;
  addCommand(parent, context, {
    name: 'delete',
    summary: operations.remove.summary,
    arguments: [{ syntax: '<ids...>', description: 'the IDs that the uploads gave' }],
    options: () => [new Option('-y, --yes', 'do not ask')],
    examples: [`chs ${group} delete ID`, `chs ${group} delete ID ID --yes`],
    action: (run, invocation) => deleteFiles(run, invocation, kind),
  });
}

async function listFiles(run: Run, invocation: Invocation, kind: CrashFileKind): Promise<ExitCode> {
  const { out } = run;
  const client = (await run.connect()).client(crashOperations);
  const { reply, rows } = await kind.list(client, invocation, { signal: run.signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  if (rows.length > 0)
    for (const line of await renderTable(kind.columns, rows, out.columns, out.style)) out.line(line);
  const { page, page_size, total } = reply;
  const pages = Math.max(1, Math.ceil(total / page_size));
  const filtered = inputKeys(kind.operations.list).some(
    (name) => !name.startsWith('page') && attributeOf(name) in invocation.options,
  );
  if (rows.length > 0) out.note(out.noteStyle.dim(`page ${page} of ${pages}, ${total} in total`));
  else if (total > 0)
    out.note(`There is no page ${page}: there are ${pages}, with ${total} ${kind.many} in total.`);
  else if (filtered) out.note(`No ${kind.many} match these filters.`);
  else
    out.note(
      `No ${kind.many} yet. \`chs ${kind.group} upload FILE\` adds one; \`chs demo\` shows how it all works.`,
    );
  return 0;
}

async function deleteFiles(run: Run, { args, options }: Invocation, kind: CrashFileKind): Promise<ExitCode> {
  const { out, signal } = run;
  const ids = [...new Set(args)];
  for (const id of ids) readInput(kind.operations.remove, { options: {} }, { id });
  if (
    options.yes !== true &&
    !(await confirmed(
      run,
      `Delete ${ids.length === 1 ? kind.one : `${ids.length} ${kind.many}`} ${ids.join(', ')}?`,
    ))
  ) {
    out.note('Nothing was deleted.');
    return 1;
  }
  const client = (await run.connect()).client(crashOperations);
  const { printFailure } = await import('./failure.ts');
  let failed = 0;
  for (const id of ids) {
    try {
      const reply = await kind.remove(client, id, { signal });
      if (out.json) out.value(reply);
      else out.line(`deleted ${datum(id)}`);
      const left = reply.no_longer_debuggable ?? 0;
      if (left > 0) out.note(`${left} ${left === 1 ? 'dump' : 'dumps'} cannot be debugged any more`);
    } catch (error) {
      if (signal.aborted || ids.length === 1) throw error;
      failed += 1;
      printFailure(error, { language: run.language, json: out.json, color: run.options.color, env: run.env });
    }
  }
  return failed > 0 ? 2 : 0;
}

/** Asks on the terminal; without one the answer has to be on the command line. */
export async function confirmed(
  run: Run,
  question: string,
  danger: 'deletes data' | 'replaces databases' = 'deletes data',
): Promise<boolean> {
  if (!process.stdin.isTTY || !run.out.interactive) {
    throw usageError(
      `this ${danger}, and there is no terminal to ask on`,
      'Add --yes to do it without asking.',
    );
  }
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal: run.signal })).trim());
  } finally {
    terminal.close();
  }
}
