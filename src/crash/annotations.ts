/** Annotations on their way in: those of clients, those inside dumps, and the version that they tell. */
import { type AnnotationLimits, createAnnotationCounter } from '../platform/annotation-limits.ts';
import type { Annotation } from './annotation-store.ts';
import { safeSegment } from './names.ts';

/**
 * Under which names clients send the version of the product, the surest first: Electron's `ver` is that of
 * Electron, and `_version` that of the program. `ver` is Breakpad's and Crashpad's, `version` Crashpad's in the
 * URL, `Version` Mozilla's.
 */
const VERSION_NAMES = ['_version', 'ver', 'Version', 'version'] as const;
/** As long as a declared version may be. */
const VERSION_CHARS_MAX = 64;

type Texts = Readonly<Record<string, string>>;

/**
 * @param sent by the client, by name
 * @param inside what was read from the dump, by name
 * @throws ChsError ANNOTATION_LIMIT for what was sent
 */
export function gatherAnnotations(sent: Texts, inside: Texts, limits: AnnotationLimits): Annotation[] {
  const counter = createAnnotationCounter(limits);
  for (const [name, value] of Object.entries(sent)) counter.add(name, Buffer.byteLength(value));
  return [...listed(sent, 'client'), ...listed(inside, 'dump')];
}

/** As they stand in texts of any kind; what no database keeps is replaced (see `withoutNul` of the stores). */
export function listed(texts: Texts, source: Annotation['source']): Annotation[] {
  return Object.entries(texts).map(([name, value]) => ({ name, value, source }));
}

/** The version of the product as the client says it, made fit for a path; null where it says none. */
export function productVersion(sent: Texts): string | null {
  for (const name of VERSION_NAMES) {
    const version = Object.hasOwn(sent, name) ? safeVersion(sent[name] ?? '') : null;
    if (version !== null) return version;
  }
  return null;
}

function safeVersion(text: string): string | null {
  const version = Array.from(text.trim().replace(/[^\p{L}\p{M}\p{N} ._+~()-]/gu, '_'))
    .slice(0, VERSION_CHARS_MAX)
    .join('')
    .replace(/\.{2,}/g, '.')
    .replace(/^ +|[. ]+$/g, '');
  if (!/[\p{L}\p{N}]/u.test(version)) return null;
  try {
    return safeSegment('version', version);
  } catch {
    return null;
  }
}
