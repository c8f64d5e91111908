/** The MCP server: lists the tools and runs them, over whatever carries its messages. */
import type { Language } from '../platform/messages.ts';
import { instructions } from './instructions.ts';
import { type CallOperation, hasTool, runTool } from './run-tool.ts';
import { sdk } from './sdk.ts';
import { mcpTools } from './tools.ts';

export interface McpServerOptions {
  readonly call: CallOperation;
  readonly version: string;
  /** Of messages of failures; answers are English. */
  readonly language: Language;
  /** Aborted when the caller is gone, besides what the protocol itself cancels. */
  readonly signal?: AbortSignal;
}

export interface McpServer {
  readonly protocol: InstanceType<typeof sdk.Server>;
  /** Resolves when no tool is running. */
  idle(): Promise<void>;
}

/** Nothing is ever elicited from a client, so nothing needs to be validated: the SDK's own validator takes long to load. */
const noValidator = {
  getValidator: () => () => ({ valid: false as const, data: undefined, errorMessage: 'nothing is elicited' }),
};

export function createMcpServer({ call, version, language, signal }: McpServerOptions): McpServer {
  const running = new Set<Promise<unknown>>();
  const protocol = new sdk.Server(
    { name: 'chs', title: 'chs logs', version },
    { capabilities: { tools: {} }, instructions, jsonSchemaValidator: noValidator },
  );
  protocol.setRequestHandler(sdk.ListToolsRequestSchema, () => ({ tools: mcpTools() }));
  protocol.setRequestHandler(sdk.CallToolRequestSchema, async ({ params }, extra) => {
    if (!hasTool(params.name))
      throw Object.assign(new Error(`there is no tool ${JSON.stringify(params.name)}`), {
        // The SDK's own error writes the code into its text, where clients write it once more.
        code: sdk.ErrorCode.InvalidParams,
      });
    const signals = signal ? AbortSignal.any([extra.signal, signal]) : extra.signal;
    const work = runTool(
      call,
      { tool: params.name, args: params.arguments ?? {} },
      { signal: signals, language },
    );
    running.add(work);
    const { text, isError } = await work.finally(() => running.delete(work));
    return { content: [{ type: 'text', text }], isError };
  });
  return {
    protocol,
    async idle() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}
