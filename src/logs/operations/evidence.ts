/** The operations on what was found: facts, memories, timeline, report. */
import * as z from 'zod';
import { fact, HIT_IDS_MAX, notice, sessionId } from '../fields.ts';

const key = () => z.string().min(1).max(200).describe('Name of the conclusion');

const crash = () =>
  z.object({
    minidump_id: z.string(),
    signature: z.string().nullable(),
    exception_code: z.string().nullable(),
    exe_name: z.string().nullable(),
    exe_version: z.string().nullable(),
    pid: z.int().nullable(),
  });

const event = () =>
  z.object({
    timestamp: z.int().describe('Milliseconds since 1970, UTC'),
    timestamp_rfc3339: z.string().describe('The same, in the zone that was asked for'),
    file: z.string(),
    line_number: z.int(),
    content: z.string(),
    facts: z.array(fact()),
    hit_id: z.string().nullable(),
    crash: crash().nullable().describe('A crash in place of a line'),
  });

export const evidenceOperations = {
  extractFacts: {
    summary: 'Extract facts from the hits of a session by rules',
    method: 'POST',
    path: '/extract_facts',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        hit_ids: z
          .array(z.string().min(1).max(64))
          .max(HIT_IDS_MAX)
          .default([])
          .describe('Only these hits; none: all'),
        rules: z
          .array(z.string().min(1).max(200))
          .max(1000)
          .default([])
          .describe('Only rules of these names; none: all'),
      }),
    output: () => z.object({ facts: z.array(fact()) }),
    errors: [
      'SESSION_NOT_FOUND',
      'TOO_MANY_HITS',
      'QUOTA_EXCEEDED',
      'CONFIG_ERROR',
      'DATABASE_ERROR',
      'STORAGE_FULL',
    ],
  },
  remember: {
    summary: 'Keep a conclusion in a session, in place of an earlier one of the same name',
    method: 'POST',
    path: '/remember',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        key: key(),
        value: z.string().max(65_536).describe('The conclusion'),
      }),
    output: () => z.object({ success: z.literal(true) }),
    errors: ['SESSION_NOT_FOUND', 'QUOTA_EXCEEDED', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
  forget: {
    summary: 'Forget a conclusion of a session',
    method: 'POST',
    path: '/forget',
    dialect: 'tools',
    access: 'read',
    input: () => z.object({ session_id: sessionId(), key: key() }),
    output: () => z.object({ success: z.literal(true), existed: z.boolean() }),
    errors: ['SESSION_NOT_FOUND', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
  timeline: {
    summary: 'Put everything that was found in a session in the order of time',
    method: 'POST',
    path: '/timeline',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        tz_out: z
          .string()
          .min(1)
          .max(64)
          .optional()
          .describe('Zone of the times shown, as Asia/Shanghai (default: UTC)'),
        with_crashes: z.boolean().default(false).describe('Put the stored crashes of that time among them'),
        limit: z.int().min(1).max(100_000).default(10_000).describe('Most events given'),
      }),
    output: () =>
      z.object({
        events: z.array(event()),
        total: z.int(),
        without_time: z.int().describe('Hits whose time is not known, which are not on the timeline'),
      }),
    errors: ['SESSION_NOT_FOUND', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
  report: {
    summary: 'Write a report of a session, in Markdown or JSON, Chinese or English',
    method: 'POST',
    path: '/report',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        session_id: sessionId(),
        format: z.enum(['markdown', 'json']).default('markdown').describe('Text, or data'),
        include_snippets: z
          .boolean()
          .default(true)
          .describe('With the lines themselves and those around them'),
        lang: z.enum(['zh', 'en']).default('zh').describe('Language of the report'),
        tz_out: z.string().min(1).max(64).optional().describe('Zone of the times shown (default: UTC)'),
        with_crashes: z.boolean().default(false).describe('With the stored crashes of that time'),
      }),
    output: () =>
      z.object({
        format: z.enum(['markdown', 'json']),
        report: z.string().optional().describe('markdown: the text'),
        summary: z.string().optional(),
        timeline: z.array(event()).optional(),
        facts: z.array(fact()).optional(),
        memories: z.record(z.string(), z.string()).optional(),
        snippets: z.array(z.string()).nullable().optional(),
      }),
    errors: ['SESSION_NOT_FOUND', 'DATABASE_ERROR', 'STORAGE_FULL'],
  },
  aroundCrash: {
    summary: 'Show what logs say around a stored crash',
    method: 'POST',
    path: '/around_crash',
    dialect: 'tools',
    access: 'read',
    input: () =>
      z.object({
        minidump_id: z.string().min(1).max(200).describe('The minidump'),
        paths: z
          .array(z.string().min(1).max(4096))
          .min(1)
          .max(100)
          .describe('Directories and files with logs'),
        timezone: z
          .string()
          .min(1)
          .max(64)
          .optional()
          .describe('Zone of times that name none (default: UTC)'),
        seconds_before: z.int().min(0).max(86_400).default(60).describe('From so long before the crash'),
        seconds_after: z.int().min(0).max(86_400).default(10).describe('Up to so long after it'),
        limit: z
          .int()
          .min(1)
          .max(10_000)
          .default(200)
          .describe('Most lines given, those nearest to the crash'),
      }),
    output: () =>
      z.object({
        crash: crash(),
        at: z.string(),
        session_id: z.string(),
        lines: z.array(
          z.object({
            file: z.string(),
            line_number: z.int(),
            timestamp: z.string(),
            offset_ms: z.int().describe('After the crash; before it where negative'),
            content: z.string(),
          }),
        ),
        total: z.int().describe('Lines in that time altogether, as far as the limits of a search go'),
        complete: z.boolean(),
        notices: z.array(notice()),
      }),
    errors: [
      'MINIDUMP_NOT_FOUND',
      'SESSION_NOT_FOUND',
      'FILE_DENIED',
      'QUOTA_EXCEEDED',
      'IO_ERROR',
      'DATABASE_ERROR',
      'STORAGE_FULL',
      'CONFIG_ERROR',
      'TOO_BUSY',
    ],
  },
} as const;
