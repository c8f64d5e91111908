/** One line of `chs doctor`: what was looked at, how it stands, and what to do about it. */
import { describeFailure } from '../failure.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly advice: string | null;
}

export function reasonOf(error: unknown): string {
  return describeFailure(error, 'en').message.replace(/^unexpected error: /, '');
}
