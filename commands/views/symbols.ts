/** A PDB and an EXE for people: what debuggers and symbol stores know them by. */
import type { Pdb } from '../../src/crash/formats/pdb.ts';
import type { Pe } from '../../src/crash/formats/pe.ts';
import { isRealStamp } from '../../src/crash/match.ts';
import { guidKeyOf, portableStoreKey, symbolStoreKey } from '../../src/crash/names.ts';
import { isoSeconds } from '../../src/platform/clock.ts';
import { datum, type Fact, shownTime } from './facts.ts';

/** The folder of a PDB in a symbol store; null where what is known of it gives none. A portable one has no age. */
export function pdbStoreKey(guid: string | null, age: number | null, portable: boolean): string | null {
  const guidKey = guidKeyOf(guid);
  if (guidKey === null) return null;
  if (portable) return portableStoreKey(guidKey);
  return age === null ? null : symbolStoreKey(guidKey, age);
}

export function pdbFacts(pdb: Pdb): Fact[] {
  const portable = pdb.kind === 'portable';
  const differs = pdb.infoAge !== null && pdb.infoAge !== pdb.age;
  return [
    ['format', portable ? 'portable PDB (.NET)' : 'MSF 7.00 (native)'],
    ['guid', pdb.guid],
    ['age', pdb.age],
    [
      'info age',
      pdb.infoAge === null
        ? null
        : `${pdb.infoAge}${differs ? ' (raised after linking; debuggers ignore it)' : ''}`,
    ],
    ['store key', pdbStoreKey(pdb.guid, pdb.age, portable)],
  ];
}

export function peFacts(pe: Pe): Fact[] {
  const hasTime = !pe.reproducible && isRealStamp(pe.timeDateStamp);
  const linked = !hasTime ? null : `${shownTime(isoSeconds(pe.timeDateStamp * 1000))} UTC`;
  return [
    [
      'kind',
      `${pe.isDll ? 'DLL' : 'EXE'}, ${pe.machineName ?? `machine 0x${pe.machine.toString(16)}`}, ${pe.is64 ? 64 : 32} bit`,
    ],
    ['version', pe.version],
    ['linked', linked],
    ['code id', pe.codeId],
    ['guid', pe.debugId?.guid],
    ['age', pe.debugId?.age],
    ['pdb path', pe.pdbPath],
    ...Object.entries(pe.strings).map(([name, value]): Fact => [datum(name), value]),
  ];
}

/** One line a CodeView record; images compiled ahead of time have two. */
export function codeViewRows({ codeViews }: Pe): string[][] {
  return codeViews.map((record) => [
    datum(record.debugId?.guid),
    datum(record.debugId?.age),
    datum(record.pdbPath),
  ]);
}
