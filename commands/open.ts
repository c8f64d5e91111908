/** `chs dump open`: a dump with its symbols in one folder, and the debugger on it. */
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { addCommand, type CommandContext, completed, type Invocation } from './define.ts';
import { usageError } from './failure.ts';
import { readInput } from './flags.ts';
import { isLocalArgument } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';

export function openCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'open',
    summary: 'Put a minidump and its symbols into a folder for a debugger',
    description:
      'The folder holds the dump, the stored PDBs, EXEs and DLLs of its modules as a symbol store, open.cmd, which starts ' +
      'WinDbg or cdb on them from any place, and manifest.json, which says what is missing and why. It appears when all ' +
      'of it is there.',
    arguments: [
      { syntax: '<id-or-file>', description: 'a minidump here, or the ID of a stored one', complete: 'file' },
    ],
    options: () => [
      completed(new Option('-o, --output <folder>', 'make this folder, or this .zip archive'), 'directory'),
      new Option('--zip', 'write one zip archive instead'),
      new Option('-f, --force', 'replace a bundle that exists, and nothing but a bundle'),
      new Option('--start', 'start the debugger on it (on Windows)'),
    ],
    examples: ['chs dump open ID', 'chs dump open ID --zip', 'chs dump open crash.dmp -o crash --start'],
    action: open,
  });
}

async function open(run: Run, { args: [argument = ''], options }: Invocation): Promise<ExitCode> {
  const output = typeof options.output === 'string' ? options.output : null;
  const force = options.force === true;
  const isStored = await isStoredArgument(argument);
  if (isStored) readInput(crashOperations.getBundle, { options: {} }, { id: argument });
  if (argument === '-') throw usageError('a pipe can be read only once; save it to a file');
  if (options.zip === true || (output !== null && /\.zip$/i.test(output))) {
    if (options.start === true) throw usageError('--start needs a folder, and not an archive');
    if (!isStored) throw usageError('an archive is made of a stored minidump; upload this one first');
    const { downloadFile } = await import('./download.ts');
    const client = (await run.connect()).client(crashOperations);
    await downloadFile(run, {
      open: () => client.getBundle({ id: argument }, { signal: run.signal }),
      output,
      force,
      fallbackName: `${argument}.zip`,
    });
    return 0;
  }
  const folders = await import('./bundle-folder.ts');
  const target = withoutSlash(output ?? (isStored ? argument : folderNameOf(argument)));
  if (resolve(target) === resolve(run.cwd))
    throw usageError('-o names the working directory; name a folder in it');
  await folders.recoverReplaced(target);
  await folders.refuseTaken(target, force);
  const client = (await run.connect()).client(crashOperations);
  const source = await (isStored ? folders.storedSource : folders.localSource)(run, client, argument);
  const bundle = await folders.buildFolder(run, client, source, { target, force });
  const { showBundle } = await import('./views/bundle.ts');
  showBundle(run.out, target, bundle);
  return options.start === true ? startDebugger(run, target) : 0;
}

/** The folder of an earlier call is called as its dump's ID is, and is no dump. */
async function isStoredArgument(argument: string): Promise<boolean> {
  const { statSync } = await import('node:fs');
  const isFolder = statSync(argument, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? /^(?=.*\d)[\w-]{8,64}$/.test(argument) : !isLocalArgument(argument);
}

/** What is made first stands beside the folder, and not in it. */
function withoutSlash(path: string): string {
  return path.replace(/(?<=[^/\\:])[/\\]+$/, '');
}

/** Beside where one is, as with an ID; a dump whose name has no extension gives the folder one. */
function folderNameOf(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const stem = name.replace(/\.[^.]+$/, '');
  return stem === name || stem === '' ? `${name}.bundle` : stem;
}

async function startDebugger({ out, env, signal }: Run, target: string): Promise<ExitCode> {
  if (process.platform !== 'win32') {
    out.warn('--start: WinDbg runs on Windows only; take the folder there, and run its open.cmd');
    return 1;
  }
  const { spawn } = await import('node:child_process');
  // With /s the outer quotes go, and what is between them stays as it is.
  const line = `""${join(resolve(target), 'open.cmd')}""`;
  const child = spawn(env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', line], {
    stdio: out.json ? 'ignore' : 'inherit',
    windowsVerbatimArguments: true,
    signal,
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code === 0 ? 0 : 1));
  });
}
