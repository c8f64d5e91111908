/** `chs serve`: the daemon in the foreground, until it is told to stop. */
import { type Command, Option } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import type { Daemon } from '../daemon/serve.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { usageError } from './failure.ts';
import type { ExitCode, Run } from './run.ts';

export function register(program: Command, context: CommandContext): void {
  addCommand(program, context, {
    name: 'serve',
    summary: 'Serve all of this over HTTP',
    description:
      'Listens on 127.0.0.1:3000 unless the configuration says otherwise. Without a configured key it makes one at its first start, shows it once, and serves this machine only. SIGTERM and Ctrl-C let running requests finish, and then it has done what it was asked to (exit code 0); a second one does not wait. SIGHUP reads the configuration again and takes over what can change while it runs.',
    options: () => [
      new Option('--host <address>', 'listen on this address instead of server.host'),
      new Option('--port <number>', 'listen on this port instead of server.port; 0 takes any free one'),
    ],
    examples: [
      'chs serve',
      'chs serve --port 8080',
      'CHS_SERVER_API_KEY=$(cat key.txt) chs serve --host 0.0.0.0',
    ],
    action: serve,
  });
}

async function serve(run: Run, { options }: Invocation): Promise<ExitCode> {
  // Without a listener Node.js opens its debugger at this signal, and whoever reaches that is in the daemon.
  if (process.platform !== 'win32') process.on('SIGUSR1', () => {});
  const given = withFlags(await run.config(), options);
  // With --json standard output is JSON alone; the log is in its file.
  const loaded = run.options.json ? withoutStdoutLog(given) : given;
  const { inertKeysSet } = await import('../config/load.ts');
  for (const key of inertKeysSet(loaded))
    run.out.warn(`${key} is accepted, but nothing in this version uses it`);

  const { startDaemon } = await import('../daemon/serve.ts');
  const daemon = await startDaemon(loaded);
  const onHangup = (): void => {
    reload(run, options, daemon).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      run.out.warn(`the configuration was not reloaded: ${reason}`);
      daemon.log.error(`Configuration not reloaded: ${reason}`);
    });
  };
  process.on('SIGHUP', onHangup);
  const { keys, url, backupUrl } = daemon;
  if (run.options.json) run.out.value({ url, key_file: keys.keyFile, backup_url: backupUrl });
  run.out.note(`chs listens on ${url} (data in ${loaded.root}); Ctrl-C stops it`);
  if (backupUrl !== null) run.out.note(`Backups are given out on ${backupUrl}`);
  if (keys.generated) {
    run.out.note(`API key, made now and shown this once: ${keys.generated.key}`);
    run.out.note(`It is kept in ${keys.generated.path}; the commands of this user find it there.`);
  }
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await daemon.stop('it was told to');
  return 0;
}

/** SIGHUP: reads the configuration again, as it was found at the start. */
async function reload(run: Run, options: Invocation['options'], daemon: Daemon): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const next = await loadConfig({ cwd: run.cwd, env: run.env, explicitPath: run.options.config });
  for (const warning of next.warnings) run.out.warn(warning);
  daemon.reload(withFlags(next, options));
}

function withoutStdoutLog(loaded: LoadedConfig): LoadedConfig {
  const logging = { ...loaded.config.logging, stdout: false };
  return { ...loaded, config: { ...loaded.config, logging } };
}

function withFlags(loaded: LoadedConfig, { host, port }: Invocation['options']): LoadedConfig {
  const server = { ...loaded.config.server };
  if (typeof host === 'string') server.host = host;
  if (typeof port === 'string') server.port = portOf(port);
  return { ...loaded, config: { ...loaded.config, server } };
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw usageError(`--port: "${text}" is not a port`, 'Give a number from 0 to 65535.');
  return port;
}
