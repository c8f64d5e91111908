/** `server.bind`: an address to listen on, host and port in one. */

/** Splits "host:port" or "[v6]:port"; null when it is neither. The host comes without brackets. */
export function parseBind(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const [, v6, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || (v6 !== undefined && !URL.canParse(`http://[${v6}]`))) return null;
  return { host: v6 ?? name ?? '', port };
}
