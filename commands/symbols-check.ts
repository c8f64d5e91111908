/** `chs symbols check`: whether the PDB of every image is stored; the gate before a release. */
import type { PeCodeView } from '../src/crash/formats/pe.ts';
import { inspectExe } from '../src/crash/inspect.ts';
import { explainMatch } from '../src/crash/match.ts';
import { baseName } from '../src/crash/names.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { CrashClient } from './crash-files.ts';
import type { Invocation } from './define.ts';
import { printFailure } from './failure.ts';
import { inspectLocalSymbols } from './inspect-file.ts';
import type { ExitCode, Run } from './run.ts';
import { storedPdb } from './symbols.ts';
import { batchSettings } from './upload/batch-options.ts';
import { expand, type Named } from './upload/expand.ts';
import { ignoring } from './upload/glob.ts';
import { inOrder } from './upload/queue.ts';
import { isOfKind } from './upload/recognise.ts';
import { type Patience, withRetries } from './upload/retry.ts';
import { datum } from './views/facts.ts';
import { type Column, renderTable } from './views/table.ts';

/** `declared`: lookups find one by what was declared, whose bytes are not that PDB, or that nobody could read. */
type Status = 'stored' | 'missing' | 'other-age' | 'declared';

/** One CodeView record of an image. */
interface Need {
  readonly pdb: string | null;
  readonly guid: string;
  readonly age: number;
  readonly portable: boolean;
  readonly status: Status;
  /** The stored PDB. */
  readonly id: string | null;
  /** With `other-age`: the ages that are stored. */
  readonly ages: readonly number[];
}

interface Checked {
  readonly file: string;
  readonly needs: readonly Need[];
  readonly error: unknown;
}

interface Check {
  readonly run: Run;
  readonly client: () => Promise<CrashClient>;
  readonly patience: Patience;
  /** Answers by GUID and age: images of one build share runtime PDBs. */
  readonly answers: Map<string, Promise<Pick<Need, 'status' | 'id' | 'ages'>>>;
}

const COLUMNS: readonly Column[] = [
  { title: 'FILE', shrinkTo: 12 },
  { title: 'PDB', shrinkTo: 10 },
  { title: 'GUID', dropOrder: 2 },
  { title: 'AGE', align: 'right', dropOrder: 1 },
  { title: 'WHY' },
];

/**
 * @returns 1 when a PDB is missing, 2 when something could not be looked at
 * @throws ChsError LOCAL_FILE when there is nothing to check; INTERRUPTED
 */
export async function checkSymbols(run: Run, { args, options }: Invocation): Promise<ExitCode> {
  const { jobs, patience } = batchSettings({ options });
  const files = await images(run, args, options.ignore);
  const check: Check = {
    run,
    client: async () => (await run.connect()).client(crashOperations),
    patience,
    answers: new Map(),
  };
  const checked: Checked[] = [];
  await inOrder(files, {
    jobs,
    signal: run.signal,
    work: (file) => checkOne(check, file),
    done(result) {
      checked.push(result);
      const { out, language, env } = run;
      if (result.error !== null)
        printFailure(result.error, { language, json: out.json, color: run.options.color, env });
      else if (out.json) out.value(jsonOf(result));
    },
  });
  return conclude(run, checked, options.strict === true);
}

/** @throws ChsError LOCAL_FILE: a gate that found nothing to check must not let anything pass */
async function images(run: Run, args: readonly string[], ignore: unknown): Promise<readonly Named[]> {
  const isIgnored = await ignoring(Array.isArray(ignore) ? ignore.map(String) : []);
  const wanted = {
    many: 'EXEs or DLLs to check',
    test: async ({ path, relative }: { readonly path: string; readonly relative: string }) =>
      !isIgnored(relative) && isOfKind('exe', path),
  };
  const { files } = await expand(args, wanted, run.signal);
  const kept = files.filter(({ relative, problem }) => problem !== null || !isIgnored(relative));
  if (kept.length === 0) {
    const reason = 'nothing is left to check after --ignore';
    throw new ChsError('LOCAL_FILE', { path: args.join(', '), reason });
  }
  const [only] = kept;
  if (kept.length === 1 && only && only.problem !== null) throw only.problem;
  return kept;
}

async function checkOne(check: Check, { path, problem }: Named): Promise<Checked> {
  try {
    if (problem !== null) throw problem;
    const { parsed } = await inspectLocalSymbols(check.run, path, inspectExe);
    const needs: Need[] = [];
    for (const view of parsed.codeViews) {
      const need = await needOf(check, view);
      if (need) needs.push(need);
    }
    return { file: path, needs, error: null };
  } catch (error) {
    check.run.signal.throwIfAborted();
    return { file: path, needs: [], error };
  }
}

/** Null for a record without a usable identity. */
async function needOf(check: Check, { debugId, pdbPath, portable }: PeCodeView): Promise<Need | null> {
  if (debugId === null) return null;
  const { guid, age } = debugId;
  const key = `${guid} ${age} ${portable}`;
  const answer = check.answers.get(key) ?? lookUp(check, guid, age);
  check.answers.set(key, answer);
  return { pdb: pdbPath === null ? null : baseName(pdbPath), guid, age, portable, ...(await answer) };
}

async function lookUp(
  { run, client, patience }: Check,
  guid: string,
  age: number,
): Promise<Pick<Need, 'status' | 'id' | 'ages'>> {
  const { signal } = run;
  const opened = await client();
  const label = `${guid} age ${age}`;
  return withRetries({ run, patience, label }, async () => {
    const reply = await opened
      .findMatchingPdb({ exe_guid: guid, exe_age: age }, { signal })
      .catch((error: unknown) => {
        if (error instanceof ChsError && error.code === 'NO_MATCHING_PDB') return null;
        throw error;
      });
    if (reply) {
      const { pdb } = reply;
      const { offered } = storedPdb(pdb);
      const isIt = pdb.parsed !== null && explainMatch({ guid, age, version: null }, offered).matches;
      return { status: isIt ? 'stored' : 'declared', id: pdb.id, ages: [] };
    }
    const { pdbs } = await opened.listPdbs({ guid, page_size: 100 }, { signal });
    const ages = pdbs
      .map(({ exe_age, parsed }) => parsed?.exe_age ?? exe_age)
      .filter((other) => other !== null);
    return { status: ages.length > 0 ? 'other-age' : 'missing', id: null, ages: [...new Set(ages)] };
  });
}

async function conclude(run: Run, checked: readonly Checked[], strict: boolean): Promise<ExitCode> {
  const { out } = run;
  const looked = checked.filter(({ error }) => error === null);
  const without = looked.filter(({ needs }) => needs.length === 0);
  const all = looked.flatMap(({ file, needs }) => needs.map((need) => ({ file, need })));
  const missing = all.filter(({ need }) => need.status !== 'stored');
  if (!out.json) {
    const rows = missing.map(({ file, need }) => [
      datum(file),
      datum(need.pdb),
      need.guid,
      datum(need.age),
      datum(why(need)),
    ]);
    if (strict) for (const { file } of without) rows.push([datum(file), '-', '-', '-', NO_RECORD]);
    if (rows.length > 0)
      for (const line of await renderTable(COLUMNS, rows, out.columns, out.style)) out.line(line);
  }
  if (!strict) for (const { file } of without) out.note(`${datum(file)}: ${NO_RECORD}`);
  const failed = checked.length - looked.length;
  out.note(
    `${count(looked.length, 'image')}, ${count(all.length, 'PDB')} needed: ` +
      `${missing.length > 0 ? `${missing.length} missing` : failed > 0 ? 'none missing' : 'all stored'}` +
      `${failed > 0 ? `; ${count(failed, 'file')} could not be checked` : ''}`,
  );
  if (failed > 0) return 2;
  return missing.length > 0 || (strict && without.length > 0) ? 1 : 0;
}

const NO_RECORD = 'it names no PDB (no CodeView record with an identity)';

function why({ status, id, ages }: Need): string {
  if (status === 'other-age') return `stored with another age (${ages.join(', ')})`;
  if (status === 'declared') return `only declared: the bytes of ${id} are not this PDB`;
  return 'not stored';
}

function jsonOf({ file, needs }: Checked): unknown {
  const missing = needs.some(({ status }) => status !== 'stored');
  return { file, status: needs.length === 0 ? 'no-record' : missing ? 'missing' : 'ok', needs };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
