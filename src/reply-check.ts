/** Whether a reply is what the operation says it gives: any server may stand behind a URL. */
import { safeParse } from 'zod/v4/core';
import type { Operation } from './operation.ts';

/**
 * @param value the reply's JSON, without the dialect's wrapping; of a stream, one event
 * @returns what is wrong with it; null when nothing is
 */
export function wrongInReply(operation: Operation, value: unknown): string | null {
  const schema = operation.output ?? operation.stream;
  if (!schema) return null;
  const [issue] = safeParse(schema, value, { jitless: true }).error?.issues ?? [];
  if (!issue) return null;
  const field = issue.path.join('.');
  return field === '' ? 'it is not what this route gives' : `"${field}" is missing or of another type`;
}
