/** What runs in a worker thread: one task after the other. */
import { type MatcherCache, runTask, type ScanTask, type SegmentResult } from './task.ts';

const cache: MatcherCache = new Map();

export default function work(task: ScanTask): Promise<SegmentResult[]> {
  return runTask(task, cache);
}
