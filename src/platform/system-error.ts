/** What the operating system called an error. */

/** Such as `ENOENT`; undefined for errors of any other kind. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
