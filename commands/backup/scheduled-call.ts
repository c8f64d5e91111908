/** What a scheduler of the machine has to call, with an environment that has nothing of this one. */
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { configKeys } from '../../config/keys.ts';
import type { LoadedConfig } from '../../config/load.ts';

export interface ScheduledCall {
  /** Absolute paths of Node.js and of this program. */
  readonly program: readonly string[];
  /** Options of every call: the configuration file, where there is one. */
  readonly options: readonly string[];
  /** Variables that it needs to find the same data. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables of this environment that count here, and that it will not have. */
  readonly missing: readonly string[];
  /** Absolute. */
  readonly logFile: string;
}

/** What scheduled backups read of the configuration. */
const SECTIONS = /^(?:backup|database|storage)\./;
/** They are read by the client of S3, not by the configuration; the second are keys. */
const AWS = /^AWS_/;
const AWS_SECRETS = /^AWS_(?:ACCESS_KEY_ID$|(?!.*_FILE$).*(?:SECRET|TOKEN|PASSWORD))/;

/** @param nodeArguments `process.execPath` and `process.argv[1]` */
export function scheduledCall(
  loaded: LoadedConfig,
  env: NodeJS.ProcessEnv,
  nodeArguments: readonly string[],
): ScheduledCall {
  const environment: Record<string, string> = {};
  const ofS3 = usesS3(loaded) ? Object.keys(env).filter((name) => AWS.test(name) && env[name]) : [];
  const missing = ofS3.filter((name) => AWS_SECRETS.test(name));
  const plain = ofS3.filter((name) => !AWS_SECRETS.test(name));
  for (const name of [...placeNames(env), ...plain]) environment[name] = env[name] ?? '';
  if (env.CHS_DATA_DIR) environment.CHS_DATA_DIR = loaded.root;
  for (const [name, origin] of loaded.origin) {
    if (origin.kind !== 'env' || !SECTIONS.test(name)) continue;
    const text = plainValue(loaded, name);
    if (text === null) missing.push(origin.name);
    else environment[origin.name] = text;
  }
  return {
    program: nodeArguments.map((path) => resolve(path)),
    options: loaded.file === null ? [] : ['--config', loaded.file],
    environment,
    missing,
    logFile: join(dirname(loaded.config.database.path), 'backup-cron.log'),
  };
}

function usesS3({ config: { backup } }: LoadedConfig): boolean {
  return [backup.target, backup.copy_to].some((place) => place?.startsWith('s3://'));
}

/** What says where the user's data are, and is not what the system itself will say. */
function placeNames(env: NodeJS.ProcessEnv): string[] {
  const names = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME'].filter((name) => env[name]);
  return env.HOME && env.HOME !== ownHome() ? ['HOME', ...names] : names;
}

/** A container's user may have no entry in the password file. */
function ownHome(): string | null {
  try {
    return userInfo().homedir;
  } catch {
    return null;
  }
}

/** The value as another process has to be given it; null for a secret, which stands in no crontab. */
function plainValue({ config }: LoadedConfig, name: string): string | null {
  const key = configKeys.get(name);
  if (!key || key.secret) return null;
  let value: unknown = config;
  for (const part of key.parts) value = (value as Readonly<Record<string, unknown>>)[part];
  if (key.kind === 'size' || typeof value === 'number') return durationOrNumber(name, value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /:\/\/[^/\s"]*:[^/\s"]*@|[?&]password=|[\n\r]/i.test(text) ? null : text;
}

/** Durations are read as text with a unit, and kept as milliseconds. */
function durationOrNumber(name: string, value: unknown): string {
  const isDuration = configKeys.get(name)?.expects.startsWith('a duration') === true;
  return isDuration ? `${String(value)}ms` : String(value);
}

/** `chs backup create --quiet`, then what follows it: one argument list each. */
export function scheduledCommands({ program, options }: ScheduledCall): string[][] {
  return ['create', 'prune'].map((verb) => [...program, 'backup', verb, '--quiet', ...options]);
}
