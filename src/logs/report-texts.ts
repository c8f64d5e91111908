/** The words of a report, and of a crash on a timeline, in Chinese and English. */
import type { Language } from '../platform/messages.ts';
import type { CrashEvent } from './timeline.ts';

export interface ReportTexts {
  readonly title: string;
  readonly summary: string;
  readonly session: string;
  readonly hint: string;
  readonly analysed: string;
  readonly files: string;
  readonly events: string;
  readonly untimed: string;
  readonly span: string;
  readonly levels: string;
  readonly unknownLevel: string;
  readonly firstError: string;
  readonly timeline: string;
  readonly columns: readonly [time: string, file: string, content: string];
  readonly facts: string;
  readonly memories: string;
  readonly snippets: string;
  readonly none: {
    readonly events: string;
    readonly facts: string;
    readonly memories: string;
    readonly snippets: string;
    readonly errors: string;
  };
  readonly colon: string;
  readonly to: string;
  /** After a value: something that applies to it. */
  remark(text: string): string;
  levelsOfFirst(count: number): string;
  leftOut(count: number): string;
  times(count: number): string;
  crash(crash: CrashEvent): string;
}

const zh: ReportTexts = {
  title: '日志诊断报告',
  summary: '概要',
  session: '会话 ID',
  hint: '说明',
  analysed: '分析时间',
  files: '文件数',
  events: '事件数',
  untimed: '时间未知的行数',
  span: '时间范围',
  levels: '级别',
  unknownLevel: '未标明',
  firstError: '首个错误',
  timeline: '时间线',
  columns: ['时间', '文件', '内容'],
  facts: '关键事实',
  memories: '已知结论',
  snippets: '日志片段',
  none: {
    events: '没有时间已知的事件。',
    facts: '尚未抽取到事实。',
    memories: '尚未记录结论。',
    snippets: '没有可显示的片段。',
    errors: '无',
  },
  colon: ': ',
  to: ' 至 ',
  remark: (text) => `（${text}）`,
  levelsOfFirst: (count) => `仅统计前 ${count} 个事件`,
  leftOut: (count) => `另有 ${count} 项未列出。`,
  times: (count) => `${count} 次`,
  crash({ exeName, exeVersion, pid, exceptionCode, signature }) {
    const program = [exeName ?? '程序', exeVersion].filter(Boolean).join(' ');
    const where = pid === null ? '' : `（进程 ${pid}）`;
    const why = reasonOf({ exceptionCode, signature }, '，');
    return `${program}${where}崩溃${why && `：${why}`}`;
  },
};

const en: ReportTexts = {
  title: 'Log diagnosis report',
  summary: 'Summary',
  session: 'Session ID',
  hint: 'Hint',
  analysed: 'Analysed at',
  files: 'Files',
  events: 'Events',
  untimed: 'Lines without a known time',
  span: 'Time span',
  levels: 'Levels',
  unknownLevel: 'unknown',
  firstError: 'First error',
  timeline: 'Timeline',
  columns: ['Time', 'File', 'Content'],
  facts: 'Key facts',
  memories: 'Known conclusions',
  snippets: 'Log snippets',
  none: {
    events: 'No event has a known time.',
    facts: 'No facts have been extracted.',
    memories: 'No conclusions have been kept.',
    snippets: 'There is nothing to show.',
    errors: 'none',
  },
  colon: ': ',
  to: ' to ',
  remark: (text) => ` (${text})`,
  levelsOfFirst: (count) => `of the first ${count} events only`,
  leftOut: (count) => `${count} more left out.`,
  times: (count) => `${count} times`,
  crash({ exeName, exeVersion, pid, exceptionCode, signature }) {
    const program = [exeName ?? 'A program', exeVersion].filter(Boolean).join(' ');
    const where = pid === null ? '' : ` (process ${pid})`;
    const why = reasonOf({ exceptionCode, signature }, ', ');
    return `${program}${where} crashed${why && `: ${why}`}`;
  },
};

/** A signature mostly begins with the code, which is then said once. */
function reasonOf(
  { exceptionCode, signature }: Pick<CrashEvent, 'exceptionCode' | 'signature'>,
  comma: string,
): string {
  const code = exceptionCode !== null && signature?.startsWith(exceptionCode) ? null : exceptionCode;
  return [code, signature].filter(Boolean).join(comma);
}

export const reportTexts: Readonly<Record<Language, ReportTexts>> = { zh, en };
