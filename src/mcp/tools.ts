/** The log operations as MCP tools, read off their table. */
import type * as z from 'zod';
import { inputSchema } from '../input-schema.ts';
import { logOperations } from '../logs/operations.ts';
import { MAX_TOKENS } from './answer.ts';

export type LogOperationName = keyof typeof logOperations;

/** What a caller may leave out is left out, as callers do. */
export type InputOf<Name extends LogOperationName> = z.input<(typeof logOperations)[Name]['input']>;
export type ReplyOf<Name extends LogOperationName> = z.output<(typeof logOperations)[Name]['output']>;

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
  readonly annotations: {
    readonly title: string;
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

/** Those that change what is kept: search keeps its hits, extract_facts its facts. */
const CHANGING: ReadonlySet<string> = new Set<LogOperationName>([
  'startSession',
  'addDirectory',
  'openDirectory',
  'remember',
  'forget',
  'closeSession',
  'search',
  'continueSearch',
  'extractFacts',
  'aroundCrash',
]);
const DESTRUCTIVE: ReadonlySet<string> = new Set<LogOperationName>(['forget', 'closeSession']);

const maxTokens = {
  type: 'integer',
  minimum: MAX_TOKENS.min,
  maximum: MAX_TOKENS.max,
  default: MAX_TOKENS.default,
  description: 'The answer takes no more tokens than this; it says what was left out and which call gets it',
};

/** The tool of an operation: `/search/continue` is `search_continue`. */
export function toolName(name: LogOperationName): string {
  return logOperations[name].path.slice(1).replaceAll('/', '_');
}

const byTool = new Map<string, LogOperationName>();

/** The operation behind a tool; null where there is no such tool. */
export function operationOfTool(tool: string): LogOperationName | null {
  if (byTool.size === 0) for (const name of names()) byTool.set(toolName(name), name);
  return byTool.get(tool) ?? null;
}

/** All tools, in the order of the table. */
export function mcpTools(): Tool[] {
  return names().map((name) => {
    const operation: { summary: string; description?: string } = logOperations[name];
    const { properties, required } = inputSchema(logOperations[name]);
    return {
      name: toolName(name),
      description: `${[operation.summary, operation.description].filter(Boolean).join('. ').replace(/\.$/, '')}.`,
      inputSchema: {
        type: 'object',
        properties: { ...properties, max_tokens: maxTokens },
        required,
        additionalProperties: false,
      },
      annotations: {
        title: operation.summary,
        readOnlyHint: !CHANGING.has(name),
        destructiveHint: DESTRUCTIVE.has(name),
        idempotentHint: name !== 'startSession',
        openWorldHint: false,
      },
    };
  });
}

function names(): LogOperationName[] {
  return Object.keys(logOperations).filter((name): name is LogOperationName =>
    Object.hasOwn(logOperations, name),
  );
}
