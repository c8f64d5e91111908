/** Files identified a second, beside reading and hashing the same files whole. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { inspectLocalSymbols } from '../commands/inspect-file.ts';
import { inspectExe, inspectMinidump, inspectPdb } from '../src/crash/inspect.ts';
import { projectRoot, sharedFixtures } from '../test/fixtures/shared.ts';
import { alternate, type Figure, median, type Outcome, timed } from './measure.ts';

const ROUNDS = 7;
/** A round goes through the files again until it has read this many. */
const FILES_PER_ROUND = 300;

const kinds = [
  { name: 'minidumps', extensions: ['.dmp'], inspect: inspectMinidump },
  { name: 'PDBs', extensions: ['.pdb'], inspect: inspectPdb },
  { name: 'EXEs and DLLs', extensions: ['.exe', '.dll'], inspect: inspectExe },
] as const;

type Kind = (typeof kinds)[number];

export async function measure(): Promise<Outcome> {
  const shared = sharedFixtures('crash');
  const folders = [join(projectRoot, 'examples', 'crashme'), ...(shared === null ? [] : [shared])];
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const figures: Figure[] = [];
  const notes = shared === null ? ['the shared fixtures are absent: measured on examples/crashme alone'] : [];
  for (const kind of kinds) {
    const { readable, refused } = await sortOut(
      kind,
      files.filter((path) => kind.extensions.some((extension) => extension === extname(path).toLowerCase())),
    );
    figures.push(await measureKind(kind, readable));
    notes.push(`${kind.name}: ${readable.length} files, median ${medianKilobytes(readable)} kB`);
    if (refused.length > 0) notes.push(`${kind.name}: left out as unreadable: ${refused.join(', ')}`);
  }
  return { figures, notes };
}

const uninterrupted = { signal: new AbortController().signal };

/** Some fixtures are there to be refused; what they cost is not of interest here. */
async function sortOut(
  kind: Kind,
  paths: readonly string[],
): Promise<{ readable: string[]; refused: string[] }> {
  const readable: string[] = [];
  const refused: string[] = [];
  for (const path of paths) {
    await inspectLocalSymbols<unknown>(uninterrupted, path, kind.inspect).then(
      () => readable.push(path),
      () => refused.push(basename(path)),
    );
  }
  return { readable, refused };
}

async function measureKind(kind: Kind, paths: readonly string[]): Promise<Figure> {
  const perSecond = async (work: (path: string) => Promise<unknown>): Promise<number> => {
    let done = 0;
    const elapsedMs = await timed(async () => {
      while (done < FILES_PER_ROUND) {
        for (const path of paths) await work(path);
        done += paths.length;
      }
    });
    return done / (elapsedMs / 1000);
  };
  const identify = () => perSecond((path) => inspectLocalSymbols<unknown>(uninterrupted, path, kind.inspect));
  const hash = () =>
    perSecond(async (path) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  // Compiled and cached before it counts.
  await identify();
  await hash();
  const rates = await alternate(ROUNDS, { identify, hash });
  return {
    name: `${kind.name} identified`,
    unit: 'files/s',
    chs: median(rates.identify),
    peer: { name: 'read whole, SHA-256', value: median(rates.hash) },
    wanted: null,
  };
}

function medianKilobytes(paths: readonly string[]): string {
  return (median(paths.map((path) => statSync(path).size)) / 1000).toFixed(0);
}
