/** Runs the bundled program once and writes the code that V8 compiled meanwhile: `warm.js DIST COMMAND...`. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compileBundle, runBundle } from '../bin/bundle.ts';

const [folder = '', ...args] = process.argv.slice(2);
const script = compileBundle(folder, undefined);
// The program ends by process.exit(), so this is the last moment, and the one with most code compiled.
process.on('exit', () => writeFileSync(join(folder, 'program.cache'), script.createCachedData()));
await runBundle(script, folder, createRequire(join(folder, 'program.js'))).main(args);
