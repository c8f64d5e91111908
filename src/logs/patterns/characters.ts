/** Kinds of characters, as masking sees them. */

export const SPACE = 1;
export const WORD = 2;
export const QUOTE = 3;
export const SLASH = 4;
export const SIGN = 5;
export const EQUALS = 6;

/** The kind of each character below 128; 0 for one that stands for itself. */
export const kinds = new Uint8Array(128);
for (let code = 0; code <= 32; code += 1) kinds[code] = SPACE;
for (const code of codesOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'))
  kinds[code] = WORD;
for (const code of codesOf('"\'`')) kinds[code] = QUOTE;
for (const code of codesOf('/')) kinds[code] = SLASH;
for (const code of codesOf('+-')) kinds[code] = SIGN;
for (const code of codesOf('=')) kinds[code] = EQUALS;

/** What ends a path, the value of a key, a URL. */
export const pathEnds = setOf('\t "\'`()[]{}<>,;|:=');
export const valueEnds = setOf('\t "\'`()[]{}<>,;|&');
export const urlEnds = setOf('\t "\'`<>()[]{}|,;');
/** What may stand between the parts of one varying thing: 10.0.0.1:80, 2024-01-02 03:04, lists of numbers. */
export const joiners = setOf(' ,.:-/+_;');

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isWordCode(code: number): boolean {
  return code < 128 && kinds[code] === WORD;
}

/** Letters alone: a word of the text, or a name that generalise() will see in many forms. */
export function isPlainWord(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 128 && (kinds[code] !== WORD || isDigit(code))) return false;
  }
  return true;
}

export function isAddressCode(code: number): boolean {
  return isWordCode(code) || code === 46 || code === 45 || code === 43;
}

function codesOf(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function setOf(text: string): Uint8Array {
  const set = new Uint8Array(128);
  for (const code of codesOf(text)) set[code] = 1;
  return set;
}
