/** What every encoding can do: turn texts into bytes and bytes into texts, and step through characters. */
export interface Codec {
  readonly encoding: string;
  /** Characters begin at multiples of it, counted from the beginning of the text. */
  readonly unitBytes: 1 | 2 | 4;
  readonly bigEndian: boolean;
  /** The bytes of a text, found at a multiple of unitBytes, are that text: none is the second half of another character. */
  readonly isSelfSynchronising: boolean;
  /** What bytes mean depends on those before: lines are decoded before they are searched. */
  readonly isStateful: boolean;
  /** Null: the encoding lacks one of the characters, or is stateful. */
  encode(text: string): Buffer | null;
  /** Whether other bytes than those that `encode` gives are decoded to this character, too; absent: there are none. */
  readonly isAmbiguous?: (character: string) => boolean;
  /** Lossy, never throws; a character that is cut at the end is left out. */
  decode(bytes: Buffer, start?: number, end?: number): string;
  /** Bytes of the character at `at`, at least 1; the same as the decoder's step also through invalid bytes. */
  nextChar(bytes: Buffer, at: number): number;
}
