/** Places of databases as they may be shown. */
import { datum } from '../views/facts.ts';

/** A path as it is, a URL without its password. */
export function shownPlace(place: string): string {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) return datum(place);
  if (!URL.canParse(place)) return 'a URL';
  const url = new URL(place);
  url.password = '';
  url.searchParams.delete('password');
  return datum(url.href);
}
