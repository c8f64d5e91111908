/** Tells places on a server from paths. */

/** Whether a text is a URL; a drive of Windows is one letter. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}
