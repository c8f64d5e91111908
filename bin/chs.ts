#!/usr/bin/env node
/** Starts chs: answers `--version` at once, hands everything else to the commands. */

/** Set when the program is bundled. */
declare const CHS_VERSION: string | undefined;

const args = process.argv.slice(2);

if (args[0] === '--version' || args[0] === '-V') {
  const version =
    typeof CHS_VERSION === 'string'
      ? CHS_VERSION
      : await import('../commands/package.ts').then((m) => m.readVersion());
  process.stdout.write(`chs ${version}\n`);
} else {
  // Where Node.js can keep compiled code between runs (22.8 on), starting takes half the time.
  const loader = process.getBuiltinModule('node:module');
  if ('enableCompileCache' in loader && typeof loader.enableCompileCache === 'function')
    loader.enableCompileCache();
  const { main } = await import('../commands/main.ts');
  await main(args);
}
