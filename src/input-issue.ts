/** What is wrong with a field of an operation's input, in plain words. */
import type { $ZodIssue } from 'zod/v4/core';

/** @param input what was parsed; tells a field that is missing from one of another type */
export function issueText(issue: $ZodIssue, input: unknown): string {
  if (issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined) return 'required';
  // Texts and lists that need one thing: nobody thinks of that as a size.
  if (
    issue.code === 'too_small' &&
    issue.minimum === 1 &&
    (issue.origin === 'string' || issue.origin === 'array')
  )
    return 'must not be empty';
  return issue.message.replace(/^(Invalid|Too)/, (word) => word.toLowerCase());
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (typeof at !== 'object' || at === null) return undefined;
    return Object.getOwnPropertyDescriptor(at, key)?.value;
  }, input);
}
