/** What commands say about logs, in the language of whoever reads it. */
import { type PhraseRow, translation } from '../../src/platform/reasons.ts';
import { afterNames, phraseInChinese } from '../phrases.ts';
import type { Run } from '../run.ts';

const rows: readonly PhraseRow[] = [
  // Notices of files.
  ['{path}: its name is not valid UTF-8', '{path}：文件名不是有效的 UTF-8'],
  ['the same of {count} more', '另有 {count} 个文件情况相同'],
  [
    'only the first {count} files are taken; name a smaller directory or globs',
    '只取前 {count} 个文件；请指定更小的目录或通配模式',
  ],
  ['folders in more than {count} others are left out', '嵌套超过 {count} 层的目录被略去'],
  ['not followed: {reason}', '未跟随该链接：{reason}'],
  ['it is not there any more', '已不存在'],
  ['it was cut, and is read from its beginning again', '已被截断，将从头重新读取'],
  ['another file has taken its name, and is read anew', '同名的另一个文件取代了它，将重新读取'],
  ['it was written anew', '文件已被重写'],
  ['another file is there now', '该处现在是另一个文件'],
  ['a link is there now', '该处现在是链接'],
  ['it is shorter than it was', '文件变短了'],
  ['it cannot be read ({code})', '无法读取（{code}）'],
  ['it is no text', '不是文本'],
  [
    'it looks like no text; it was named, so it is searched all the same, as {encoding}',
    '看起来不是文本；因为指定了它，仍按 {encoding} 搜索',
  ],
  ['taken for {encoding}; other encodings fit, too', '按 {encoding} 读取；其他编码也可能适用'],
  ['it is cut off after {bytes} bytes of text', '压缩数据在解出 {bytes} 字节文本后中断'],
  ['it is damaged after {bytes} bytes of text', '压缩数据在解出 {bytes} 字节文本后损坏'],
  ['it is cut off; {bytes} bytes of text could be unpacked', '压缩数据不完整；解出了 {bytes} 字节文本'],
  ['it is damaged; {bytes} bytes of text could be unpacked', '压缩数据已损坏；解出了 {bytes} 字节文本'],
  ['it became shorter while it was read', '读取期间文件变短了'],
  ['it changed since the search began; the rest of it is left out', '搜索开始后文件已变动；其余部分被略去'],
  [
    '{count} files of the session may not be read by this caller, and are left out',
    '会话中有 {count} 个文件不允许当前调用者读取，已略去',
  ],
  // What limits left out.
  [
    '{count} long lines were searched in their beginning only (limits.max_line_bytes)',
    '有 {count} 个超长行只搜索了开头部分（limits.max_line_bytes）',
  ],
  [
    'not everything was counted: the time that a search may take ended it',
    '未能全部统计：达到搜索的时间上限',
  ],
  ['not everything was counted: a limit ended it', '未能全部统计：达到上限'],
  ['not everything was counted: {limit} ended it', '未能全部统计：达到 {limit} 的上限'],
  ['There are no log files.', '没有日志文件。'],
  ["There is no conclusion '{key}'.", "没有结论 '{key}'。"],
  ['No lines, or none that these options leave.', '没有日志行，或没有符合这些选项的日志行。'],
  // Why there are no hits.
  [
    'no hits; `chs logs explain …` with the same words and options says why',
    '没有命中；用相同的词和选项运行 `chs logs explain …` 可查看原因',
  ],
  ['no hits in {files} file(s)', '{files} 个文件中没有命中'],
  [
    '{hits} hit(s) in {files} file(s), {excluded} left out by globs',
    '{files} 个文件中有 {hits} 个命中，通配模式略去 {excluded} 个文件',
  ],
  ['{hits} hit(s) in {files} file(s)', '{files} 个文件中有 {hits} 个命中'],
  [
    'window {start} to {end}: {hits} hit(s) outside of it',
    '时间窗口 {start} 至 {end}：窗口之外有 {hits} 个命中',
  ],
  ['events {start} to {end}', '事件时间为 {start} 至 {end}'],
  ['Not everything was looked at in the time there was.', '时间有限，未能检查全部内容。'],
  ['The search finds {count} line(s).', '该搜索找到 {count} 行。'],
  [
    'There are no log files to search: the directory has none, or none was added.',
    '没有可搜索的日志文件：目录中没有，或尚未添加。',
  ],
  [
    'include_globs and exclude_globs leave none of {count} files.',
    '--include 和 --exclude 排除了全部 {count} 个文件。',
  ],
  ['{count} files are left out by the globs.', '通配模式略去了 {count} 个文件。'],
  ['whole_word is on: parts of words do not count.', '只匹配完整单词：单词的一部分不算命中。'],
  [
    'Every term is somewhere, but never on the same line: try them one by one, or whole_events.',
    '每个词都出现过，但从未在同一行：请逐个尝试，或使用 --event。',
  ],
  ['No line is a hit.', '没有命中的行。'],
  [
    '"{term}" ({kind}) is on no line in this case; {count} lines have it in another: set case_sensitive to false.',
    '没有行含有该大小写的“{term}”（{kind}）；{count} 行含有其他大小写形式：请加 --ignore-case。',
  ],
  [
    '"{term}" ({kind}) is on no line; near it: {nearest}.',
    '没有行含有“{term}”（{kind}）；相近的有：{nearest}。',
  ],
  ['"{term}" ({kind}) is on no line.', '没有行含有“{term}”（{kind}）。'],
  ['Without none "{term}" there are {count} hits.', '去掉排除条件“{term}”后有 {count} 个命中。'],
  ['Without "{term}" ({kind}) there are {count} hits.', '去掉“{term}”（{kind}）后有 {count} 个命中。'],
  [
    '{count} hits lie outside the time window, the last before it at {before}, the first after it at {after}.',
    '时间窗口之外有 {count} 个命中，窗口前最近的在 {before}，窗口后最近的在 {after}。',
  ],
  [
    '{count} hits lie outside the time window, the last before it at {before}.',
    '时间窗口之外有 {count} 个命中，窗口前最近的在 {before}。',
  ],
  [
    '{count} hits lie outside the time window, the first after it at {after}.',
    '时间窗口之外有 {count} 个命中，窗口后最近的在 {after}。',
  ],
  ['{count} hits lie outside the time window.', '时间窗口之外有 {count} 个命中。'],
  [
    '{count} of {files} files have no times, so that no window finds them.',
    '{files} 个文件中有 {count} 个没有时间，时间窗口无法找到它们。',
  ],
  ['The files have events from {start} to {end}.', '文件中的事件时间为 {start} 至 {end}。'],
];

/** `(s)` stands for an ending that one of a thing has not. */
const endings: readonly PhraseRow[] = rows.flatMap(([english, chinese]): PhraseRow[] =>
  english.includes('(s)') ? pluralsOf(english).map((phrase) => [phrase, chinese]) : [[english, chinese]],
);

function pluralsOf(english: string): string[] {
  if (!english.includes('(s)')) return [english];
  return ['s', ''].flatMap((ending) => pluralsOf(english.replace('(s)', ending)));
}

const inChinese = translation(endings, phraseInChinese);

/** A sentence in the language of the run; what is in no table stays English. A file before it is a name, and stays. */
export function said({ language }: Pick<Run, 'language'>, english: string): string {
  if (language !== 'zh') return withOptions(english);
  return afterNames(english, inChinese) ?? english;
}

/** Operations name their fields, and people write options. */
const options: readonly (readonly [field: string, option: string])[] = [
  [': set case_sensitive to false.', ': add --ignore-case.'],
  ['whole_word is on:', '--word is on:'],
  ['one by one, or whole_events.', 'one by one, or --event.'],
  ['include_globs and exclude_globs leave', '--include and --exclude leave'],
];

function withOptions(english: string): string {
  return options.reduce((text, [field, option]) => text.replace(field, option), english);
}

/** `1 file`, `2 files` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
