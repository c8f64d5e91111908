/** What a refused configuration says, for the tests to compare. */
import type { LoadedConfig } from '../../config/load.ts';
import { ConfigError, type ConfigProblem } from '../../config/problem.ts';

/** The problems of a configuration that has to be refused; none when it loaded. */
export async function problemsOf(loading: Promise<LoadedConfig>): Promise<readonly ConfigProblem[]> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** The message, as a person would see it. */
export async function messageOf(loading: Promise<LoadedConfig>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'it loaded';
}
