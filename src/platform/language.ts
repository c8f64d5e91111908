/** Chooses between the languages that chs speaks. */
import type { Language } from './messages.ts';

/** The best of English and Chinese by an `Accept-Language` header (RFC 9110, 12.5.4); English when in doubt. */
export function fromAcceptLanguage(header: string | null | undefined): Language {
  if (!header) return 'en';
  let best: { language: Language; weight: number } = { language: 'en', weight: 0 };
  for (const item of header.slice(0, 1000).split(',')) {
    const [tag = '', ...parameters] = item.trim().split(';');
    const quality = parameters
      .map((p) => /^\s*q\s*=\s*([\d.]+)\s*$/.exec(p)?.[1])
      .find((q) => q !== undefined);
    const weight = quality === undefined ? 1 : Number(quality);
    const language = fromTag(tag);
    if (language && weight > best.weight) best = { language, weight };
  }
  return best.language;
}

/** The language that the environment asks for: LC_ALL, LC_MESSAGES, LANG, in POSIX's order. */
export function fromEnvironment(env: NodeJS.ProcessEnv): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return fromTag(locale) ?? 'en';
}

function fromTag(tag: string): Language | null {
  const primary = tag.trim().toLowerCase().split(/[-_.]/)[0];
  return primary === 'zh' ? 'zh' : primary === 'en' || primary === '*' ? 'en' : null;
}
