/** picomatch has no types of its own: what is used of it here. */
declare module 'picomatch' {
  interface Options {
    /** Letters of either case are the same. */
    readonly nocase?: boolean;
    /** Names that begin with a dot are matched like others. */
    readonly dot?: boolean;
    readonly nonegate?: boolean;
    readonly noextglob?: boolean;
    /** Backslashes separate the parts of paths, too. */
    readonly windows?: boolean;
  }

  export default function picomatch(
    pattern: string | readonly string[],
    options?: Options,
  ): (path: string) => boolean;
}
