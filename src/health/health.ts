/** Readiness: asks every part, within a time, whether it can do its work. */
import type { Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { healthOperations } from './operations.ts';

/** A part that slower than this is as good as gone for whoever asks. */
const CHECK_TIMEOUT_MS = 2_000;

export interface Component {
  readonly name: string;
  /** Rejects with the reason when the part cannot work. The reason is shown to anyone: no paths, no secrets. */
  check(): Promise<void>;
}

export function createHealth(components: readonly Component[]): Handlers<typeof healthOperations> {
  return {
    health: async () => ({ status: 'healthy' }),
    live: async () => ({ status: 'alive' }),
    async ready() {
      const results = await Promise.all(components.map(checked));
      const status = results.every((result) => result.status === 'ok') ? 'ready' : 'not_ready';
      return { status, components: results };
    },
  };
}

async function checked({
  name,
  check,
}: Component): Promise<{ name: string; status: 'ok' | 'failed'; reason?: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { name, status: 'ok' };
  } catch (error) {
    return { name, status: 'failed', reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Anyone may ask for readiness, so errors that have a code show that alone; their texts name paths. */
function reasonOf(error: unknown): string {
  if (error instanceof ChsError) return error.code.toLowerCase().replaceAll('_', ' ');
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error && error.message.length < 80 ? error.message : 'failed';
}
