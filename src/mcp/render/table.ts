/** Which renderer makes text of the reply of which operation. */
import type { NextCall, Rendered } from '../answer.ts';
import type { InputOf, LogOperationName, ReplyOf } from '../tools.ts';
import { renderCounts, renderPatterns, renderStats } from './counts.ts';
import { renderFacts, renderReport, renderTimeline } from './evidence.ts';
import { renderExplanation, renderHits } from './hits.ts';
import { renderAround, renderLines, renderRegex } from './lines.ts';
import { plain, renderAdded, renderFormats, renderOpened, renderSessions } from './sessions.ts';

type Renderers = {
  readonly [Name in LogOperationName]: (
    reply: ReplyOf<Name>,
    call: NextCall,
    input: InputOf<Name>,
  ) => Rendered;
};

export const renderers: Renderers = {
  startSession: (reply) => plain(`session_id: ${reply.session_id}`, 'Add log files with add_directory.'),
  addDirectory: renderAdded,
  openDirectory: renderOpened,
  inspectFormats: renderFormats,
  listSessions: renderSessions,
  closeSession: () => plain('The session is closed; what was kept of it is gone.'),
  search: renderHits,
  continueSearch: renderHits,
  countHits: renderCounts,
  logStats: renderStats,
  patterns: renderPatterns,
  explainEmpty: (reply, call) => renderExplanation(reply, call),
  validateRegex: renderRegex,
  readLines: renderLines,
  extractFacts: renderFacts,
  remember: (_reply, _call, { key }) => plain(`Kept under ${JSON.stringify(key)}.`),
  forget: (reply, _call, { key }) =>
    plain(
      reply.existed ? `Forgot ${JSON.stringify(key)}.` : `There was no conclusion ${JSON.stringify(key)}.`,
    ),
  timeline: renderTimeline,
  report: renderReport,
  aroundCrash: renderAround,
};
