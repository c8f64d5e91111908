/** What the parser of command lines complains about, and a stdout that cannot be written, in our words and in both languages. */
import { ChsError } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import { usageError } from './failure.ts';

/** By the parser's code; `{name}` is the first thing that its message quotes. */
const chinese: Readonly<Record<string, string>> = {
  'commander.unknownOption': '未知选项 {name}',
  'commander.unknownCommand': '未知命令 {name}',
  'commander.missingArgument': '缺少参数 {name}',
  'commander.optionMissingArgument': '选项 {name} 缺少值',
  'commander.excessArguments': '参数过多',
};

/** The parser's error as a usage error: exit 64, its suggestion as the hint. */
export function translatedUsage(error: Error & { readonly code: string }, language: Language): ChsError {
  const [first = '', ...rest] = error.message.split('\n');
  const plain = first.replace(/^error: /, '');
  const suggestion = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(rest.join(' '))?.[1];
  const template = language === 'zh' ? chinese[error.code] : undefined;
  const english = plain.replace(/ argument missing$/, ' needs a value');
  const message = template?.replace('{name}', /'([^']*)'/.exec(plain)?.[1] ?? '') ?? english;
  const hint = suggestion
    ? language === 'zh'
      ? `是否指 ${suggestion}？`
      : `Did you mean ${suggestion}?`
    : language === 'zh'
      ? '加 --help 查看用法。'
      : 'Add --help to see what it takes.';
  return usageError(message, hint);
}

/** A standard output that takes no more, a full disk for example. */
export function outputFailure(error: NodeJS.ErrnoException, language: Language): ChsError {
  const reason = error.message.replace(/, write$/, '');
  const message =
    language === 'zh' ? `无法写入标准输出：${reason}` : `cannot write standard output: ${reason}`;
  return new ChsError('LOCAL_FILE', {}, { rendered: { message }, cause: error });
}
