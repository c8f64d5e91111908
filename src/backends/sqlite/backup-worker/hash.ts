/** SHA-256 in the worker, loaded where it is needed: OpenSSL takes more than a megabyte. */
import { createHash } from 'node:crypto';

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
