/** Loads the bundled program together with its compiled code, which takes half of the time to start away. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

export interface Program {
  main(argv: readonly string[]): Promise<never>;
}

/**
 * The program, wrapped as Node.js wraps a CommonJS module; the compiled code is of exactly this text.
 * `import()` does not work in a script that comes out of compiled code, so the bundle has it as a
 * parameter.
 */
export function compileBundle(folder: string, cachedData: Buffer | undefined): Script {
  const filename = join(folder, 'program.cjs');
  // The bundle is ASCII, and one byte a character is what V8 takes fastest.
  const source = readFileSync(filename, 'latin1');
  return new Script(
    `(function (exports, require, module, __filename, __dirname, importModule) {${source}\n})`,
    {
      filename,
      ...(cachedData ? { cachedData } : {}),
    },
  );
}

export function runBundle(script: Script, folder: string): Program {
  const filename = join(folder, 'program.cjs');
  const module: { exports: unknown } = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, folder, importModule);
  return module.exports as Program;
}

function importModule(specifier: string): Promise<unknown> {
  return import(specifier);
}

/**
 * The program from `folder`. Compiled code that is missing, or of another version of Node.js, is
 * refused by V8 itself, and the program is compiled anew.
 */
export function loadBundle(folder: string): Program {
  return runBundle(compileBundle(folder, readIfThere(join(folder, 'program.cache'))), folder);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
