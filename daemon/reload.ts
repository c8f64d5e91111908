/** Takes over what may change while the daemon runs, and names what needs a restart. */
import { configKeys } from '../config/keys.ts';
import type { Config } from '../config/schema.ts';

export interface Reload {
  /** Dotted keys whose new values hold from now on. */
  readonly taken: readonly string[];
  /** Dotted keys that differ and keep their old values until a restart. */
  readonly waiting: readonly string[];
}

/**
 * Copies the keys marked `reload` from `next` into `live`, in place: whoever holds `live` sees them.
 */
export function reloadInto(live: Config, next: Config): Reload {
  const taken: string[] = [];
  const waiting: string[] = [];
  for (const key of configKeys.values()) {
    const value = valueAt(next, key.parts);
    if (JSON.stringify(value) === JSON.stringify(valueAt(live, key.parts))) continue;
    if (!key.reload) waiting.push(key.name);
    else {
      setAt(live, key.parts, value);
      taken.push(key.name);
    }
  }
  return { taken, waiting };
}

function valueAt(config: unknown, parts: readonly string[]): unknown {
  return parts.reduce<unknown>((at, part) => sectionOf(at)[part], config);
}

function setAt(config: unknown, parts: readonly string[], value: unknown): void {
  const section = parts.slice(0, -1).reduce<unknown>((at, part) => sectionOf(at)[part], config);
  const last = parts.at(-1);
  if (last !== undefined) sectionOf(section)[last] = value;
}

function sectionOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
