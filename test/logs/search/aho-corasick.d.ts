/** The package aho-corasick, as tests use it: it comes without types. */
declare module 'aho-corasick' {
  export default class AhoCorasick {
    add(word: string, data: string): void;
    build_fail(): void;
    /** @param found told of each keyword in the text, and where it begins */
    search(text: string, found: (word: string, data: readonly string[], at: number) => void): void;
  }
}
