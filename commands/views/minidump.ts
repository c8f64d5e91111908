/** A minidump for people: what crashed, where, in which program, and what was loaded. */
import { fastFailName } from '../../src/crash/formats/exception-names.ts';
import type { Minidump, MinidumpException, MinidumpModule } from '../../src/crash/formats/minidump.ts';
import type { MinidumpIdentity } from '../../src/crash/inspect.ts';
import { baseName } from '../../src/crash/names.ts';
import { isoSeconds } from '../../src/platform/clock.ts';
import type { Output } from '../output.ts';
import { datum, type Fact, renderFacts, shownTime } from './facts.ts';
import { renderTable } from './table.ts';

const MODULES_SHOWN = 20;
const THREADS_SHOWN = 20;

/** `source` is `client` for what was submitted beside the dump, `dump` for what the program wrote into it. */
export interface ShownAnnotation {
  readonly name: string;
  readonly value: string;
  readonly source: 'client' | 'dump';
}

/** A dump to show: its main facts, and all of it where it could be read. */
export interface ShownMinidump {
  readonly facts: readonly Fact[];
  readonly identity: Partial<MinidumpIdentity>;
  readonly parsed: Minidump | null;
  readonly annotations: readonly ShownAnnotation[];
  readonly warnings: readonly string[];
}

/** @param all every module and thread, instead of the first 20 */
export async function showMinidump(out: Output, dump: ShownMinidump, all: boolean): Promise<void> {
  const { style } = out;
  const { parsed } = dump;
  const print = (lines: readonly string[]): void => lines.forEach((line) => void out.line(line));
  print(renderFacts([...dump.facts, ...mainFacts(dump.identity, parsed)], out));
  for (const warning of dump.warnings) out.line(`${style.yellow('warning')}  ${datum(warning)}`);
  const assertion = parsed?.assertion;
  if (assertion) {
    const place = assertion.file === null ? null : `${assertion.file}:${assertion.line}`;
    out.line();
    out.line(style.bold('Assertion'));
    print(
      renderFacts(
        [
          ['expression', assertion.expression],
          ['function', assertion.functionName],
          ['place', place],
        ],
        out,
      ),
    );
  }
  showAnnotations(out, dump.annotations, all);
  if (!parsed) return;
  await showModules(out, parsed, all);
  await showThreads(out, parsed, all);
}

/** Whole with `all`; on a terminal the end of long values is cut otherwise. */
function showAnnotations(out: Output, annotations: readonly ShownAnnotation[], all: boolean): void {
  const titles = { client: 'sent beside the dump', dump: 'written into the dump' };
  for (const source of ['client', 'dump'] as const) {
    const own = annotations.filter((annotation) => annotation.source === source);
    if (own.length === 0) continue;
    out.line();
    out.line(`${out.style.bold(`Annotations (${own.length})`)}  ${out.style.dim(titles[source])}`);
    const facts = own.map(({ name, value }): Fact => [datum(name), value === '' ? '-' : value]);
    const { style } = out;
    for (const line of renderFacts(facts, { style, columns: all ? null : out.columns })) out.line(line);
  }
}

/** Whether stored details are those of a dump as this version reads them. */
export function isMinidump(details: object): details is Minidump {
  const { modules, threads, annotations, warnings } = details as Partial<Record<keyof Minidump, unknown>>;
  return (
    [modules, threads, warnings].every(Array.isArray) &&
    typeof annotations === 'object' &&
    annotations !== null
  );
}

function mainFacts(identity: Partial<MinidumpIdentity>, parsed: Minidump | null): Fact[] {
  const created = parsed?.processCreatedAt ?? null;
  const codeView = parsed?.modules[0]?.codeView;
  return [
    ['program', identity.exe_name],
    ['version', identity.exe_version],
    ['crashed', identity.timestamp ? `${shownTime(identity.timestamp)} UTC` : null],
    ['exception', exceptionText(identity)],
    ['address', addressText(identity, parsed)],
    ['meaning', parsed?.exception ? meaningOf(parsed.exception) : null],
    ['thread', threadText(identity.tid ?? null, parsed)],
    ['process', identity.pid],
    ['started', created === null ? null : `${shownTime(isoSeconds(created * 1000))} UTC`],
    ['system', parsed?.os ? [identity.os, parsed.os.servicePack].filter(Boolean).join(' ') : identity.os],
    ['processor', parsed?.cpu ? `${parsed.cpu.architecture}, ${parsed.cpu.count} logical` : identity.cpu],
    ['guid', identity.exe_guid],
    ['age', identity.exe_age],
    ['build id', codeView?.format === 'ELF' ? codeView.buildId : null],
    ['code id', identity.code_id],
    ['comment', parsed?.comment],
  ];
}

function exceptionText({ exception_code, exception_name }: Partial<MinidumpIdentity>): string | null {
  if (!exception_code) return null;
  return exception_name ? `${exception_code} ${exception_name}` : exception_code;
}

/** `0x14000156E (crashme.exe+0x156E)` */
function addressText(
  { exception_address }: Partial<MinidumpIdentity>,
  parsed: Minidump | null,
): string | null {
  if (!exception_address) return null;
  const place = parsed?.exception ? moduleOffset(parsed, parsed.exception.address) : null;
  return place ? `${exception_address} (${place})` : exception_address;
}

/** An address as module and offset; null when it lies in no module. */
export function moduleOffset(dump: Minidump, address: string): string | null {
  const module = dump.crashModule === null ? undefined : dump.modules[dump.crashModule];
  if (!module) return null;
  const offset = BigInt(address) - BigInt(module.base);
  return `${moduleName(module)}+0x${offset.toString(16).toUpperCase()}`;
}

/** What the parameters of an exception say (Microsoft: EXCEPTION_RECORD, ExceptionInformation; __fastfail). */
export function meaningOf({ name, parameters }: MinidumpException): string | null {
  if (name === 'STACK_BUFFER_OVERRUN') {
    const reason = fastFailName(Number(parameters[0] ?? Number.NaN));
    return reason && `fast fail: ${reason}`;
  }
  if (name !== 'ACCESS_VIOLATION' && name !== 'IN_PAGE_ERROR') return null;
  const [kind, address] = parameters;
  if (kind === undefined || address === undefined) return null;
  const words: Readonly<Record<string, string>> = { 0: 'read of', 1: 'write to', 8: 'execution of' };
  const what = words[String(BigInt(kind))];
  if (!what) return null;
  // The first 64 KiB are never mapped: an address there is a null pointer plus the offset of a member.
  const near = BigInt(address) < 0x10000n ? ' (a null pointer)' : '';
  return `${what} address ${address}${near}`;
}

function threadText(tid: number | null, parsed: Minidump | null): string | null {
  if (tid === null) return null;
  const name = parsed?.threads.find(({ id }) => id === tid)?.name;
  return name ? `${tid} "${name}"` : String(tid);
}

async function showModules(out: Output, dump: Minidump, all: boolean): Promise<void> {
  const shown = all ? dump.modules : dump.modules.slice(0, MODULES_SHOWN);
  if (shown.length === 0) return;
  const rows = shown.map((module, index) => [
    index === dump.crashModule ? '>' : '',
    datum(moduleName(module)),
    datum(module.version),
    module.debugId ? `${module.debugId.guid} ${module.debugId.age}` : '-',
    module.codeId,
    module.base,
  ]);
  const columns = [
    { title: '' },
    { title: 'MODULE', shrinkTo: 12 },
    { title: 'VERSION', dropOrder: 1 },
    { title: 'GUID AND AGE' },
    { title: 'CODE ID', dropOrder: 2 },
    { title: 'BASE', dropOrder: 3 },
  ];
  out.line();
  const total = dump.moduleCount ?? dump.modules.length;
  out.line(
    `${out.style.bold(`Modules (${total})`)}${dump.crashModule === null ? '' : out.style.dim('  > is where it crashed')}`,
  );
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  more(out, total - shown.length, 'modules', all);
}

async function showThreads(out: Output, dump: Minidump, all: boolean): Promise<void> {
  const crashed = dump.crashingThreadId;
  const named = dump.threads.filter(({ id, name }) => name !== null || id === crashed);
  const candidates = all ? dump.threads : named;
  const shown = all ? candidates : candidates.slice(0, THREADS_SHOWN);
  const total = dump.threadCount ?? dump.threads.length;
  if (total === 0) return;
  out.line();
  out.line(out.style.bold(`Threads (${total})`));
  const rows = shown.map(({ id, name }) => [id === crashed ? '>' : '', String(id), datum(name)]);
  if (rows.length > 0) {
    const columns = [
      { title: '' },
      { title: 'ID', align: 'right' as const },
      { title: 'NAME', shrinkTo: 12 },
    ];
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  }
  more(out, total - shown.length, 'threads', all);
}

function more(out: Output, count: number, what: string, all: boolean): void {
  if (count > 0)
    out.line(out.style.dim(`${count} more ${what}${all ? ' could not be read' : '; --all shows them'}`));
}

function moduleName({ name }: MinidumpModule): string {
  return name ? baseName(name) : 'unnamed';
}
