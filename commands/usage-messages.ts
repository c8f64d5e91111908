/** What the parser of command lines complains about, and a stdout that cannot be written, in our words. */
import { ChsError } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import { usageError } from './failure.ts';

/** The parser's error as a usage error: exit 64, its suggestion as the hint. */
export function plainUsage(error: Error): ChsError {
  const [first = '', ...rest] = error.message.split('\n');
  const message = first
    .replace(/^error: /, '')
    .replace(/ argument missing$/, ' needs a value')
    .replace(/^required option (.*) not specified$/, 'option $1 is required');
  const suggestion = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(rest.join(' '))?.[1];
  const hint = suggestion ? `Did you mean ${suggestion}?` : 'Add --help to see what it takes.';
  return usageError(message, hint);
}

/** A standard output that takes no more, a full disk for example. */
export function outputFailure(error: NodeJS.ErrnoException, language: Language): ChsError {
  const reason = error.message.replace(/, write$/, '');
  const message =
    language === 'zh' ? `无法写入标准输出：${reason}` : `cannot write standard output: ${reason}`;
  return new ChsError('LOCAL_FILE', {}, { rendered: { message }, cause: error });
}
