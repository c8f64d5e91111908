/** The parts of the MCP SDK that are used, in one place: the build keeps them in a file of their own, apart from the program. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export const sdk = {
  Server,
  StdioServerTransport,
  HttpTransport: WebStandardStreamableHTTPServerTransport,
  CallToolRequestSchema,
  ListToolsRequestSchema,
  ErrorCode,
};
