/** Turns whatever went wrong into a short text for people (or one JSON line) and an exit code. */
import { ChsError, printable } from '../src/platform/errors.ts';
import type { Language } from '../src/platform/messages.ts';
import { phraseInChinese } from './phrases.ts';
import { createStyle, wantsColor } from './views/style.ts';

export interface FailureOptions {
  readonly language: Language;
  readonly json: boolean;
  readonly color: boolean;
  readonly env: NodeJS.ProcessEnv;
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** A usage error (exit 64) with what to do instead. */
export function usageError(message: string, hint?: string): ChsError {
  return new ChsError('USAGE', { reason: message }, { rendered: { message, hint } });
}

/** Prints a failure on stderr. CHS_DEBUG=1 adds the stacks. */
export function printFailure(error: unknown, { language, json, color, env }: FailureOptions): void {
  const failure = describeFailure(error, language);
  const debug = env.CHS_DEBUG === '1';
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: failure })}\n`);
  } else {
    const style = createStyle(wantsColor(process.stderr.isTTY, color, env));
    process.stderr.write(`${style.red('chs:')} ${failure.message}\n`);
    const hint = language === 'zh' ? `  ${style.dim('提示：')}` : `  ${style.dim('hint:')} `;
    if (failure.hint) process.stderr.write(`${hint}${failure.hint}\n`);
  }
  if (debug) process.stderr.write(`${stackOf(error)}\n`);
}

/** 1 a negative answer, 2 a failure, 64 wrong usage. */
export function exitCodeOf(error: unknown): number {
  return error instanceof ChsError ? error.exitCode : 2;
}

export function describeFailure(error: unknown, language: Language): Failure {
  if (error instanceof ChsError) {
    const { message, hint } = inLanguage(error.describe(language), error, language);
    // What a server rendered is data of someone else's.
    return { code: error.code, message: printable(message, 4000), hint: hint && printable(hint, 1000) };
  }
  const reason = printable(error instanceof Error ? error.message : String(error));
  const zh = language === 'zh';
  return {
    code: 'INTERNAL',
    message: zh ? `内部错误：${reason}` : `unexpected error: ${reason}`,
    hint: zh
      ? '设置 CHS_DEBUG=1 再次运行可查看出错位置。'
      : 'Run it again with CHS_DEBUG=1 to see where it happened.',
  };
}

/** What commands say themselves is written in English, where it is said. */
function inLanguage(
  described: { message: string; hint: string | null },
  { code }: ChsError,
  language: Language,
): { message: string; hint: string | null } {
  if (language !== 'zh' || (code !== 'USAGE' && code !== 'NO_MATCH')) return described;
  const { message, hint } = described;
  return {
    message: phraseInChinese(message) ?? message,
    hint: hint === null ? null : (phraseInChinese(hint) ?? hint),
  };
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`;
}
