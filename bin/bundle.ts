/** Loads the bundled program together with its compiled code, which takes half of the time to start away. */
import { readFileSync } from 'node:fs';
import { Module } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

export interface Program {
  main(argv: readonly string[]): Promise<never>;
}

/**
 * The program, one function with what Node.js gives a CommonJS module and `import()`, which does not work
 * in a script that comes out of compiled code. The build wrote it so, as putting half a megabyte between
 * two words here takes time; the compiled code is of exactly this text.
 */
export function compileBundle(folder: string, cachedData: Buffer | undefined): Script {
  const filename = join(folder, 'program.js');
  // The bundle is ASCII, and one byte a character is what V8 takes fastest.
  const source = readFileSync(filename, 'latin1');
  return new Script(source, { filename, ...(cachedData ? { cachedData } : {}) });
}

/** @param require of a module in `folder` */
export function runBundle(script: Script, folder: string, require: NodeJS.Require): Program {
  // As the files beside it find it, whatever link led here.
  const filename = require.resolve('./program.js');
  const module = new Module(filename);
  require.cache[filename] = Object.assign(module, { filename, loaded: true });
  script.runInThisContext()(module.exports, require, module, filename, folder, importModule);
  return module.exports as Program;
}

function importModule(specifier: string): Promise<unknown> {
  return import(specifier);
}

/**
 * The program from `folder`. Compiled code that is missing, or of another version of Node.js, is
 * refused by V8 itself, and the program is compiled anew.
 */
export function loadBundle(folder: string, require: NodeJS.Require): Program {
  return runBundle(compileBundle(folder, readIfThere(join(folder, 'program.cache'))), folder, require);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
