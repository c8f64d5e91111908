/** How long a command takes from the shell's point of view, beside the time that Node.js alone takes. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../test/fixtures/shared.ts';
import { alternate, type Figure, median, type Outcome, timed, withTemporaryFolder } from './measure.ts';

const ROUNDS = 15;
/** Creating a database waits for the disk several times; a few rounds say enough. */
const FIRST_ROUNDS = 5;

export async function measure(): Promise<Outcome> {
  const program = join(projectRoot, programName());
  if (!existsSync(program)) throw new Error(`${program} is not there: run \`npm run build\``);
  return withTemporaryFolder(async (folder) => {
    const later = await newHome(folder, 'later');
    const list = [program, 'dump', 'list'];
    const runs = {
      node: () => run(['-e', '0'], later),
      version: () => run([program, '--version'], later),
      list: () => run(list, later),
    };
    // The files get into the disk's cache, and the database of `later` is created.
    for (const warmUp of Object.values(runs)) await warmUp();
    const spent = await alternate(ROUNDS, runs);
    const first = await alternate(FIRST_ROUNDS, {
      node: () => run(['-e', '0'], later),
      list: async (round) => run(list, await newHome(folder, `first-${round}`)),
    });

    const figure = (name: string, chs: number[], node: number[], bound: number | null): Figure => ({
      name,
      unit: 'ms',
      chs: median(chs),
      peer: { name: 'node -e 0', value: median(node) },
      wanted: bound === null ? null : { of: 'ratio', comparison: '<=', bound },
    });
    return {
      figures: [
        figure('chs --version', spent.version, spent.node, 1.5),
        figure('chs dump list, empty', spent.list, spent.node, 2.5),
        figure('the very first one, which creates the database', first.list, first.node, null),
      ],
      notes: [`Node.js ${process.versions.node}, whole processes, medians of ${ROUNDS} alternating runs`],
    };
  });
}

/** The bundled program, as the package names it. */
function programName(): string {
  const text = readFileSync(join(projectRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { bin: { chs: string } }).bin.chs;
}

/** A home of its own for the commands: no configuration, no data. */
async function newHome(folder: string, name: string): Promise<string> {
  const home = join(folder, name);
  await rm(home, { recursive: true, force: true });
  await mkdir(home);
  return home;
}

/** @returns milliseconds from the start of a process to its end */
function run(args: readonly string[], home: string): Promise<number> {
  return timed(
    () =>
      new Promise<void>((resolve, reject) => {
        // Of the environment only what a process cannot start without; no CHS_*, no NODE_OPTIONS.
        const { PATH, SystemRoot, TEMP } = process.env;
        const child = spawn(process.execPath, args, {
          cwd: home,
          env: { PATH, SystemRoot, TEMP, HOME: home, USERPROFILE: home, APPDATA: home, LOCALAPPDATA: home },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        const words: string[] = [];
        child.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text));
        child.once('error', reject);
        child.once('exit', (code) => {
          if (code === 0) resolve();
          else reject(new Error(`node ${args.join(' ')} ended with ${code}: ${words.join('')}`));
        });
      }),
  );
}
