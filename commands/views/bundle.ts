/** Shows what is in the folder of a bundle, and how a debugger is started on it. */
import { join, resolve, sep } from 'node:path';
import type { Bundle } from '../../src/crash/bundle.ts';
import { debuggerCommand } from '../../src/crash/open-script.ts';
import type { Output } from '../output.ts';
import { type Fact, renderFacts } from './facts.ts';

/** So many missing files are named. */
const MISSING_SHOWN = 5;

export function showBundle(out: Output, target: string, bundle: Bundle): void {
  const { files, manifest } = bundle;
  const [dump] = files;
  const isWindows = process.platform === 'win32';
  const command = debuggerCommand(isWindows ? `${resolve(target)}${sep}` : '', manifest.minidump.path);
  const missing = manifest.modules.flatMap(({ name, system, pdb, exe }) =>
    [
      { kind: 'pdb' as const, fate: pdb },
      { kind: 'exe' as const, fate: exe },
    ].flatMap(({ kind, fate }) =>
      fate.included ? [] : [{ module: name, kind, system, reason: fate.reason }],
    ),
  );
  if (out.json) {
    out.value({
      folder: target,
      minidump: join(target, dump?.path ?? ''),
      script: join(target, 'open.cmd'),
      command,
      files: files.map(({ kind, id, path, sizeBytes, sha256 }) => ({
        kind,
        id,
        path,
        size_bytes: sizeBytes,
        sha256,
      })),
      missing,
    });
    return;
  }
  const count = (kind: 'pdb' | 'exe', one: string, many: string): string => {
    const found = files.filter((file) => file.kind === kind).length;
    return `${found} ${found === 1 ? one : many}`;
  };
  const modules = manifest.modules.length === 1 ? 'one module' : `${manifest.modules.length} modules`;
  const own = missing.filter(({ kind, system }) => kind === 'pdb' && !system);
  const facts: Fact[] = [
    ['folder', target],
    ['dump', dump?.path],
    [
      'symbols',
      `${count('pdb', 'PDB', 'PDBs')}, ${count('exe', 'EXE or DLL', 'EXEs and DLLs')} of ${modules}`,
    ],
    ...own
      .slice(0, MISSING_SHOWN)
      .map(({ module, reason }): Fact => ['missing', `${module ?? '-'}: ${reason}`]),
    ['', own.length > MISSING_SHOWN ? `${own.length - MISSING_SHOWN} more are in manifest.json` : null],
    [isWindows ? 'debugger' : 'on Windows', command.map(quoted).join(' ')],
    ['or', isWindows ? join(target, 'open.cmd') : 'open.cmd, from any place'],
  ];
  for (const line of renderFacts(facts, { ...out, columns: null })) out.line(line);
  if (!isWindows) out.note('The command is for the folder itself, wherever it is on Windows.');
}

/** Neither cmd.exe nor PowerShell finds anything of its own between these quotes, but for variables. */
function quoted(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `"${word}"`;
}
