/** Markdown to roff, the same bytes each time. */
import { marked } from 'marked';
import markedMan from 'marked-man';

/**
 * @param markdown begins with `# name(section) -- description`
 * @param version shown at the foot of the page
 * @param date shown at the foot of the page: that of the release, never today's
 */
export function toRoff(markdown: string, version: string, date: string): string {
  marked.use(Object.assign(markedMan, { manVersion: `chs ${version}`, date, manual: 'chs', breaks: false }));
  return `.\\" Generated, do not edit.\n${marked.parse(markdown, { async: false })}\n`;
}
