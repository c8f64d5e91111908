/** Colours for terminals, and none for anything else. */

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/**
 * Whether a stream gets colours: `--no-color` and NO_COLOR (https://no-color.org) say no, FORCE_COLOR
 * says yes, otherwise a terminal that is not dumb does.
 */
export function wantsColor(isTty: boolean, flag: boolean, env: NodeJS.ProcessEnv): boolean {
  if (!flag || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTty && env.TERM !== 'dumb';
}

export function createStyle(enabled: boolean): Style {
  const paint =
    (open: number, close: number) =>
    (text: string): string =>
      enabled && text !== '' ? `\u001B[${open}m${text}\u001B[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
  };
}
