/** Crash signatures: dumps that crashed in the same place of the same program get the same text, without any symbols. */
import type { Minidump } from './formats/minidump.ts';
import { baseName, exceptionCode } from './names.ts';

/** A signature, taken apart. */
export interface SignatureParts {
  readonly code: string;
  readonly module: string | null;
  /** Offset from the module's base, hexadecimal; null when the address is in no module. */
  readonly offset: string | null;
}

const NAME_CHARS_MAX = 128;

/**
 * `0xC0000005 crashme.exe+0x156E`: exception code, module and offset of the address in it, which is the
 * same wherever the module was loaded. An address in no module gives `0xC0000005 crashme.exe+?` by the
 * program's name: such crashes have only that in common.
 *
 * @returns null for a dump without an exception
 */
export function signatureOf(dump: Pick<Minidump, 'exception' | 'modules' | 'crashModule'>): string | null {
  const { exception, modules, crashModule } = dump;
  if (!exception) return null;
  const crashed = crashModule === null ? undefined : modules[crashModule];
  const name = moduleName((crashed ?? modules[0])?.name ?? null);
  if (!crashed) return `${exception.code} ${name}+?`;
  const offset = BigInt(exception.address) - BigInt(crashed.base);
  return `${exception.code} ${name}+0x${offset.toString(16).toUpperCase()}`;
}

/** What is left to say of a dump that only its uploader described. */
export function declaredSignature(code: string | null, program: string | null): string | null {
  return code === null ? null : `${exceptionCode(code)} ${moduleName(program)}+?`;
}

export function signatureParts(signature: string): SignatureParts {
  const [, code = signature, module = '', offset = '?'] = /^(\S+) (.*)\+(\S+)$/s.exec(signature) ?? [];
  return {
    code,
    module: module === '' || module === '?' ? null : module,
    offset: offset === '?' ? null : offset,
  };
}

/** Windows does not tell upper from lower case in names, so neither does a signature. */
function moduleName(path: string | null): string {
  const name = baseName(path ?? '')
    .toLowerCase()
    .slice(0, NAME_CHARS_MAX);
  return name.replace(/[\p{Cc}\p{Cs}]/gu, '_').trim() || '?';
}
