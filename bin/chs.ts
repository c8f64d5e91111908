#!/usr/bin/env node
/** Starts chs: answers `--version` at once, hands everything else to the commands. */
import { asksVersion } from '../commands/words.ts';
import { loadBundle } from './bundle.ts';

/** Set when the program is bundled. */
declare const CHS_VERSION: string | undefined;

const args = process.argv.slice(2);

if (asksVersion(args)) void printVersion();
else void start();

async function printVersion(): Promise<void> {
  const version = typeof CHS_VERSION === 'string' ? CHS_VERSION : await packageVersion();
  process.stdout.once('error', () => {
    process.exitCode = 2;
  });
  process.stdout.write(`chs ${version}\n`);
}

async function packageVersion(): Promise<string> {
  const { readVersion } = await import('../src/platform/package.ts');
  return readVersion();
}

async function start(): Promise<void> {
  const { main } =
    typeof CHS_VERSION === 'string' ? loadBundle(__dirname, require) : await import('../commands/main.ts');
  await main(args);
}
