/** Builds small minidumps for tests, byte by byte, so that each can be wrong in exactly one way. */

/** A stream as the test wants it: its bytes, and what the directory is to say about them. */
export interface StreamToBuild {
  readonly type: number;
  readonly bytes: Uint8Array;
  /** What the directory says instead of the truth. */
  readonly claimedBytes?: number;
  readonly claimedRva?: number;
}

/** Little-endian fields one after another: `u32(1, 2)` is eight bytes. */
export const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
export const u64 = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);
export const u16 = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);
export const zeros = (length: number): Uint8Array => new Uint8Array(length);
export const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Text in UTF-16LE, lone surrogates and all. */
export const utf16 = (text: string): Uint8Array =>
  u16(...Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)));

/** Where things that streams point to are put; they come before all streams. */
export class MinidumpBuilder {
  readonly #streams: StreamToBuild[] = [];
  #data: Uint8Array = zeros(32);
  header = { version: 0xa793, timeDateStamp: 1_700_000_000 };

  /** Puts bytes into the file and gives their RVA. */
  put(bytes: Uint8Array): number {
    const rva = this.#data.length;
    this.#data = join(this.#data, bytes);
    return rva;
  }

  /** Puts a MINIDUMP_STRING and gives its RVA. */
  text16(text: string): number {
    return this.put(join(u32(text.length * 2), utf16(text), zeros(2)));
  }

  /** Puts a length-prefixed UTF-8 text and gives its RVA. */
  text8(text: string): number {
    const bytes = Buffer.from(text);
    return this.put(join(u32(bytes.length), bytes, zeros(1)));
  }

  /** Puts bytes and gives their MINIDUMP_LOCATION_DESCRIPTOR. */
  location(bytes: Uint8Array): Uint8Array {
    return u32(bytes.length, this.put(bytes));
  }

  stream(type: number, bytes: Uint8Array, claimed: Partial<StreamToBuild> = {}): this {
    this.#streams.push({ type, bytes, ...claimed });
    return this;
  }

  build(): Uint8Array {
    const entries = this.#streams.map(({ type, bytes, claimedBytes, claimedRva }) => {
      const rva = this.put(bytes);
      return u32(type, claimedBytes ?? bytes.length, claimedRva ?? rva);
    });
    const directory = this.put(join(...entries));
    const { version, timeDateStamp } = this.header;
    const header = u32(0x504d444d, version, entries.length, directory, 0, timeDateStamp, 0, 0);
    this.#data.set(header);
    return this.#data;
  }
}

/** What a test says of a module; the rest is zero. */
export interface ModuleToBuild {
  readonly base?: bigint;
  readonly sizeOfImage?: number;
  readonly timeDateStamp?: number;
  readonly nameRva?: number;
  /** VS_FIXEDFILEINFO's signature, or 0. */
  readonly versionSignature?: number;
  readonly version?: readonly [ms: number, ls: number];
  readonly codeView?: Uint8Array;
}

/** One MINIDUMP_MODULE. */
export function moduleRecord(module: ModuleToBuild): Uint8Array {
  const { base = 0n, sizeOfImage = 0, timeDateStamp = 0, nameRva = 0, versionSignature = 0 } = module;
  const [ms, ls] = module.version ?? [0, 0];
  return join(
    u64(base),
    u32(sizeOfImage, 0, timeDateStamp, nameRva),
    u32(versionSignature, 0x10000, ms, ls),
    zeros(36),
    module.codeView ?? zeros(8),
    zeros(24),
  );
}

/** One MINIDUMP_EXCEPTION_STREAM. */
export function exceptionStream(
  threadId: number,
  code: number,
  address: bigint,
  parameters: bigint[] = [],
): Uint8Array {
  const all = [...parameters, ...Array<bigint>(15).fill(0n)].slice(0, 15);
  return join(u32(threadId, 0, code, 0), u64(0n, address), u32(parameters.length, 0), u64(...all), zeros(8));
}

/** One MINIDUMP_SYSTEM_INFO: architecture 0 is x86, 9 amd64; platform 2 is Windows, 0x8201 Linux. */
export function systemInfo(architecture: number, platform: number, servicePackRva = 0): Uint8Array {
  return join(
    u16(architecture, 6, 0),
    Uint8Array.of(4, 1),
    u32(10, 0, 19045, platform, servicePackRva),
    zeros(28),
  );
}

/** An RSDS record whose GUID's bytes count up from 1. */
export function rsds(age: number, path: string): Uint8Array {
  const guid = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
  return join(Buffer.from('RSDS'), guid, u32(age), Buffer.from(`${path}\0`));
}
