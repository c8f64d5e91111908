/** The OpenAPI 3.1 document, read off the operation tables. */
import * as z from 'zod';
import { type InputSchema, inputSchema } from '../src/input-schema.ts';
import {
  commonErrors,
  type DialectName,
  type Operation,
  type Operations,
  pathParameters,
} from '../src/operation.ts';
import { errorTable } from '../src/platform/errors.ts';
import { dialects } from './dialects/table.ts';

type Json = Record<string, unknown>;

/** @param tables every domain's operations */
export function openapiDocument(tables: readonly Operations[]): Json {
  const paths: Record<string, Json> = {};
  for (const table of tables) {
    for (const [name, operation] of Object.entries(table)) {
      const [path = operation.path] = dialects[operation.dialect].paths(operation.path);
      paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(name, operation) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'chs',
      version: 'v1',
      description:
        'Crash dumps and symbols. Every path below /api is also reachable without that prefix. Every reply carries X-Request-Id.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:3000' }],
    components: {
      schemas: { CrashFailure: failureSchema('crash'), PlainFailure: failureSchema('plain') },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    paths,
  };
}

function describe(name: string, operation: Operation): Json {
  const schema = inputSchema(operation);
  const inPath = pathParameters(operation.path);
  const properties = Object.entries(schema.properties);
  const bodyCarriesInput = operation.method === 'POST';
  const parameters = properties
    .filter(([key]) => !bodyCarriesInput || inPath.includes(key))
    .map(([key, property]) => ({
      name: key,
      in: inPath.includes(key) ? 'path' : 'query',
      required: inPath.includes(key) || schema.required.includes(key),
      schema: property,
    }));
  return {
    operationId: name,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    'x-scope': operation.access,
    security: operation.access === 'public' ? [] : [{ apiKey: [] }, { bearer: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(bodyCarriesInput ? { requestBody: requestBody(operation, schema) } : {}),
    responses: responses(operation),
  };
}

function requestBody(operation: Operation, schema: InputSchema): Json {
  const input = { type: 'object', ...schema };
  if (!operation.body) return { required: true, content: { 'application/json': { schema: input } } };
  const file = { type: 'string', contentMediaType: 'application/octet-stream' };
  return {
    required: true,
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: { metadata: input, [operation.body.part]: file },
          required: [operation.body.part],
        },
        encoding: { metadata: { contentType: 'application/json' } },
      },
      'application/octet-stream': { schema: file },
    },
  };
}

function responses(operation: Operation): Json {
  const replies: Record<string, Json> = { 200: success(operation) };
  const byStatus = new Map<number, string[]>();
  for (const code of [...operation.errors, ...commonErrors]) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    replies[status] = {
      description: [...new Set(codes)].join(', '),
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${failureName(operation)}` } } },
    };
  }
  return replies;
}

function success(operation: Operation): Json {
  if (operation.output === null) {
    return {
      description: 'The file',
      content: {
        'application/octet-stream': {
          schema: { type: 'string', contentMediaType: 'application/octet-stream' },
        },
      },
    };
  }
  const { $schema: _, ...output } = z.toJSONSchema(operation.output, { io: 'output' });
  const schema =
    operation.dialect === 'crash'
      ? {
          type: 'object',
          properties: { success: { const: true }, data: output },
          required: ['success', 'data'],
        }
      : output;
  return { description: 'Done', content: { 'application/json': { schema } } };
}

function failureName(operation: Operation): string {
  return operation.dialect === 'plain' ? 'PlainFailure' : 'CrashFailure';
}

function failureSchema(dialect: DialectName): Json {
  const common = { error: { type: 'string' }, code: { type: 'string' }, hint: { type: 'string' } };
  if (dialect === 'plain') return { type: 'object', properties: common, required: ['error', 'code'] };
  return {
    type: 'object',
    properties: { success: { const: false }, ...common },
    required: ['success', 'error', 'code'],
  };
}
