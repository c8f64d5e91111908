/** Puts the layers of a configuration into one, and `server.bind` into its two parts. */
import { parseBind } from './bind.ts';
import type { Layer } from './environment.ts';
import { type ConfigProblem, problemAt, shown } from './problem.ts';

/** Later layers win. `server.bind` is host and port in one, so it is taken apart in its own layer first. */
export function merge(layers: readonly Layer[], problems: ConfigProblem[]): Layer {
  const merged: Layer = new Map();
  for (const layer of layers) {
    takeBindApart(layer, problems);
    for (const [key, entry] of layer) merged.set(key, entry);
  }
  // A host or port from a later layer leaves an earlier bind untrue: drop it rather than show it.
  const bind = parsedBind(merged);
  const host = merged.get('server.host')?.value;
  const port = merged.get('server.port')?.value;
  if (bind !== null && (bind.host !== host || bind.port !== port)) merged.delete('server.bind');
  return merged;
}

function parsedBind(layer: Layer): { host: string; port: number } | null {
  const value = layer.get('server.bind')?.value;
  return typeof value === 'string' ? parseBind(value) : null;
}

function takeBindApart(layer: Layer, problems: ConfigProblem[]): void {
  const bind = parsedBind(layer);
  const entry = layer.get('server.bind');
  if (bind === null || entry === undefined) return;
  for (const part of ['host', 'port'] as const) {
    const key = `server.${part}`;
    const other = layer.get(key);
    if (other === undefined) {
      layer.set(key, { value: bind[part], origin: entry.origin });
    } else if (other.value !== bind[part]) {
      const both = `server.bind ${shown(entry.value, false)} and ${key} ${shown(other.value, false)}`;
      problems.push(problemAt(entry.origin, 'server.bind', `${both} disagree; give one of them`));
    }
  }
}
