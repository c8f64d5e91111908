/** Runs one tool: calls its operation and makes an answer of what comes back, or of what went wrong. */
import { ChsError, isErrorCode } from '../platform/errors.ts';
import type { Language } from '../platform/messages.ts';
import { composeAnswer, MAX_TOKENS, type NextCall, type Rendered } from './answer.ts';
import { queryOf, renderExplanation } from './render/hits.ts';
import { renderers } from './render/table.ts';
import { cutTo } from './tokens.ts';
import { type InputOf, type LogOperationName, operationOfTool, type ReplyOf } from './tools.ts';

/** Calls an operation with an input that nobody has checked yet. */
export type CallOperation = (
  name: LogOperationName,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown>;

export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** So long a search that found nothing may look for the reason. */
const EXPLAIN_MS = 5_000;

type AnyRenderer = (reply: unknown, call: NextCall, input: unknown) => Rendered;

/** Whether there is a tool of this name. */
export function hasTool(tool: string): boolean {
  return operationOfTool(tool) !== null;
}

/**
 * @param args as the model gave them
 * @throws Error only for a tool that does not exist; other failures are answers
 */
export async function runTool(
  call: CallOperation,
  { tool, args }: NextCall,
  { signal, language }: { readonly signal: AbortSignal; readonly language: Language },
): Promise<ToolAnswer> {
  const name = operationOfTool(tool);
  if (name === null) throw new Error(`no tool ${tool}`);
  const { max_tokens: given, ...input } = args;
  const maxTokens = given === undefined ? MAX_TOKENS.default : given;
  if (!isTokens(maxTokens)) {
    const reason = `expected a whole number from ${MAX_TOKENS.min} to ${MAX_TOKENS.max}`;
    return failure(new ChsError('INVALID_INPUT', { field: 'max_tokens', reason }), MAX_TOKENS.min, language);
  }
  try {
    const reply = await call(name, input, signal);
    const own = { tool, args: input };
    const rendered = await render(call, { name, reply, own, input, signal });
    return { text: composeAnswer(rendered, maxTokens), isError: false };
  } catch (error) {
    signal.throwIfAborted();
    return failure(error, maxTokens, language);
  }
}

interface Answered {
  readonly name: LogOperationName;
  readonly reply: unknown;
  readonly own: NextCall;
  readonly input: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

async function render(call: CallOperation, { name, reply, own, input, signal }: Answered): Promise<Rendered> {
  const renderer = renderers[name] as AnyRenderer;
  const found = name === 'search' ? (reply as ReplyOf<'search'>) : null;
  if (!found || found.hits.length > 0 || found.cursor !== null) return renderer(reply, own, input);
  // What a model would ask next.
  const query = { ...queryOf(input as InputOf<'search'>), hard_timeout_ms: EXPLAIN_MS };
  try {
    const why = (await call('explainEmpty', query, signal)) as ReplyOf<'explainEmpty'>;
    return renderExplanation(why, { tool: 'explain_empty', args: queryOf(input as InputOf<'search'>) }, [
      'No hits.',
    ]);
  } catch {
    signal.throwIfAborted();
    return renderer(reply, own, input);
  }
}

function isTokens(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= MAX_TOKENS.min && Number(value) <= MAX_TOKENS.max;
}

/** What is not in the table of errors is shown without its inside. */
function failure(error: unknown, maxTokens: number, language: Language): ToolAnswer {
  const known =
    error instanceof ChsError ? error : new ChsError('INTERNAL', { requestId: '-' }, { cause: error });
  const { message, hint } = known.describe(language);
  const lines = [
    `${known.code}: ${message}`,
    ...(hint === null ? [] : [`Hint: ${hint}`]),
    `Retryable: ${known.retryable ? 'yes' : 'no'}${known.retryAfterMs === undefined ? '' : `, after ${known.retryAfterMs} ms`}`,
  ];
  return { text: cutTo(lines.join('\n'), maxTokens), isError: true };
}

/** A failure as the tools dialect writes it, for those who call over the app itself. */
export function failureOf(body: unknown): ChsError {
  const { code, error, hint, retry_after_ms: retryAfterMs } = fieldsOf(body);
  if (!isErrorCode(code) || typeof error !== 'string') return new ChsError('INTERNAL', { requestId: '-' });
  const rendered = { message: error, hint: typeof hint === 'string' ? hint : undefined };
  return new ChsError(
    code,
    {},
    { rendered, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined },
  );
}

function fieldsOf(body: unknown): {
  code?: unknown;
  error?: unknown;
  hint?: unknown;
  retry_after_ms?: unknown;
} {
  return typeof body === 'object' && body !== null ? body : {};
}
