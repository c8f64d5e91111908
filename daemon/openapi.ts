/** The OpenAPI 3.1 document, read off the operation tables. */
import * as z from 'zod';
import { type InputSchema, inputSchema } from '../src/input-schema.ts';
import {
  type DialectName,
  errorsOf,
  type Operation,
  type Operations,
  pathParameters,
} from '../src/operation.ts';
import { type ErrorCode, errorTable } from '../src/platform/errors.ts';
import { dialects } from './dialects/table.ts';

type Json = Record<string, unknown>;

const FILE: Json = { type: 'string', contentMediaType: 'application/octet-stream' };

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
        'Crash dumps, symbols and logs. Every path below /api and /v1 is also reachable without that prefix. Every reply carries X-Request-Id.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:3000' }],
    components: {
      schemas: {
        CrashFailure: failureSchema('crash'),
        PlainFailure: failureSchema('plain'),
        ToolsFailure: failureSchema('tools'),
      },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
        keyInQuery: { type: 'apiKey', in: 'query', name: 'key' },
        backupToken: { type: 'apiKey', in: 'header', name: 'X-Backup-Token' },
        backupTokenInQuery: { type: 'apiKey', in: 'query', name: 'token' },
      },
    },
    paths: { ...paths, ...documentPaths(paths) },
  };
}

/** The routes that are no operations. */
function documentPaths(paths: Readonly<Record<string, Json>>): Record<string, Json> {
  const ready = paths['/health/ready']?.get;
  return {
    ...(ready ? { '/ready': { get: { ...(ready as Json), operationId: 'readyShort' } } } : {}),
    '/health/metrics': { get: metrics('metrics') },
    '/metrics': { get: metrics('metricsShort') },
    '/openapi.json': {
      get: {
        operationId: 'openapi',
        summary: 'Give this document',
        'x-scope': 'public',
        security: [],
        responses: {
          200: {
            description: 'An OpenAPI 3.1 document',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
          ...failures(jsonFailure('PlainFailure'), []),
        },
      },
    },
  };
}

function metrics(operationId: string): Json {
  return {
    operationId,
    summary: 'Say what Prometheus asks for',
    'x-scope': 'public',
    security: [],
    responses: {
      200: {
        description: 'Metrics in the text format of Prometheus',
        content: lines('Samples, each with a type and a help text'),
      },
      ...failures(jsonFailure('PlainFailure'), []),
    },
  };
}

function describe(name: string, operation: Operation): Json {
  const schema = documented(inputSchema(operation));
  const inPath = pathParameters(operation.path);
  const properties = Object.entries(schema.properties);
  const bodyCarriesInput = operation.method === 'POST';
  const parameters = properties
    .filter(([key]) => operation.body || !bodyCarriesInput || inPath.includes(key))
    .map(([key, property]) => ({
      name: key,
      in: inPath.includes(key) ? 'path' : 'query',
      required: inPath.includes(key) || (!operation.body && schema.required.includes(key)),
      ...(operation.body ? { description: 'With a raw file as the body: instead of metadata' } : {}),
      schema: property,
    }));
  return {
    operationId: name,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    'x-scope': operation.access,
    security: securityOf(operation),
    ...(parameters.length > 0 ? { parameters: [...parameters, ...headers(operation)] } : {}),
    ...(bodyCarriesInput ? { requestBody: requestBody(operation, schema) } : {}),
    responses: responses(operation),
  };
}

/** What browsers send by themselves when they connect again; it wins over `after`. */
function headers({ reply }: Operation): Json[] {
  if (reply !== 'events') return [];
  return [{ name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'integer', minimum: 0 } }];
}

function securityOf({ access, keyInQuery }: Operation): Json[] {
  if (access === 'public') return [];
  // The last: no key at all, for callers on the same machine where no token is configured.
  const forBackups = [{ backupToken: [] }, { backupTokenInQuery: [] }, {}];
  if (access === 'backup') return [{ apiKey: [] }, { bearer: [] }, ...forBackups];
  return [{ apiKey: [] }, { bearer: [] }, ...(keyInQuery ? [{ keyInQuery: [] }] : [])];
}

/** Without the marks that are for the command line alone. */
function documented(schema: InputSchema): InputSchema {
  const properties = Object.entries(schema.properties).map(([key, property]) => {
    const { short: _short, complete: _complete, flag: _flag, ...own } = property;
    return [key, own];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

function requestBody(operation: Operation, schema: InputSchema): Json {
  const input = { type: 'object', ...schema };
  if (!operation.body) {
    const strict = { ...input, additionalProperties: false };
    return { required: true, content: { 'application/json': { schema: strict } } };
  }
  if (operation.body.annotated) return annotatedBody(operation.body.part);
  return {
    required: true,
    description: 'The file with its metadata as multipart, or the file alone with its metadata in the query',
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: { metadata: input, [operation.body.part]: FILE },
          required: [operation.body.part],
        },
        encoding: { metadata: { contentType: 'application/json' } },
      },
      'application/octet-stream': { schema: FILE },
    },
  };
}

function annotatedBody(part: string): Json {
  const extra = { type: 'object', description: 'Annotations, each a member' };
  return {
    required: true,
    description: 'The file with annotations as multipart, or the file alone with annotations in the query',
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: { [part]: FILE, extra },
          required: [part],
          additionalProperties: { type: 'string', description: 'An annotation' },
        },
        encoding: { extra: { contentType: 'application/json' } },
      },
      'application/octet-stream': { schema: FILE },
    },
  };
}

function responses(operation: Operation): Json {
  const succeeded = operation.stream
    ? stream(operation.stream)
    : operation.output === null
      ? file(operation)
      : { 200: success(operation, operation.output) };
  return { ...succeeded, ...failures(failureSchemaOf(operation), errorsOf(operation)) };
}

/** @param content what the body of a failure is, by media type */
function failures(content: Json, errors: readonly ErrorCode[]): Record<string, Json> {
  const replies: Record<string, Json> = {};
  const byStatus = new Map<number, string[]>();
  for (const code of errors) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    replies[status] = { description: codes.join(', '), content };
  }
  return replies;
}

/** Server-Sent Events; the schema is that of the JSON in each `data:`. */
function stream(event: z.core.$ZodType): Record<string, Json> {
  const { $schema: _, ...schema } = z.toJSONSchema(event, { io: 'output' });
  const description =
    'Events as they happen: `id:`, `event:` (the type) and `data:` (all of it as JSON); comments in between while nothing happens';
  return { 200: { description, content: { 'text/event-stream': { schema } } } };
}

/** The replies with a file in them, or with word that the caller has it (RFC 9110, 15.3.7 and 15.4.5). */
function file({ errors }: Operation): Record<string, Json> {
  const content = { 'application/octet-stream': { schema: FILE } };
  return {
    200: { description: 'The file', content },
    ...(errors.includes('RANGE_NOT_SATISFIABLE')
      ? { 206: { description: 'The part of the file that Range asks for', content } }
      : {}),
    304: { description: 'The file is the one that If-None-Match or If-Modified-Since is about' },
  };
}

function success(operation: Operation, output: z.core.$ZodType): Json {
  if (operation.dialect === 'submit')
    return { description: 'Done', content: lines('CrashID=ID, the ID of the stored minidump') };
  const { $schema: _, ...data } = z.toJSONSchema(output, { io: 'output' });
  const schema =
    operation.dialect === 'crash'
      ? {
          type: 'object',
          properties: { success: { const: true }, data },
          required: ['success', 'data'],
        }
      : data;
  return { description: 'Done', content: { 'application/json': { schema } } };
}

function failureSchemaOf({ dialect }: Operation): Json {
  if (dialect === 'submit') return lines('Discarded=REASON for what will never be taken, then Error=WORDS');
  if (dialect === 'symbols') return lines('What is wrong, in a line');
  if (dialect === 'tools') return jsonFailure('ToolsFailure');
  return jsonFailure(dialect === 'plain' ? 'PlainFailure' : 'CrashFailure');
}

function jsonFailure(schemaName: string): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName}` } } };
}

function lines(description: string): Json {
  return { 'text/plain': { schema: { type: 'string', description } } };
}

function failureSchema(dialect: DialectName): Json {
  const common = { error: { type: 'string' }, code: { type: 'string' }, hint: { type: 'string' } };
  if (dialect === 'plain') return { type: 'object', properties: common, required: ['error', 'code'] };
  if (dialect === 'tools') {
    const retry = { retryable: { type: 'boolean' }, retry_after_ms: { type: 'integer' } };
    return { type: 'object', properties: { ...common, ...retry }, required: ['error', 'code', 'retryable'] };
  }
  return {
    type: 'object',
    properties: { success: { const: false }, ...common },
    required: ['success', 'error', 'code'],
  };
}
