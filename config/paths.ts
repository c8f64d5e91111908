/** The folders that an operating system gives each user: configuration and data. Pure: nothing is read or made. */
import { posix, win32 } from 'node:path';

/** Where the answer holds: `process.platform`, the environment, the home folder. */
export interface UserPlace {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The path functions of a platform, whatever this process runs on. */
export function pathsOf(platform: NodeJS.Platform): typeof posix {
  return platform === 'win32' ? win32 : posix;
}

/** ~/.config/chs (XDG_CONFIG_HOME), ~/Library/Application Support/chs, %APPDATA%\chs. */
export function userConfigDir(place: UserPlace): string {
  return userDir(place, 'XDG_CONFIG_HOME', ['.config'], 'APPDATA', 'Roaming');
}

/** ~/.local/share/chs (XDG_DATA_HOME), ~/Library/Application Support/chs, %LOCALAPPDATA%\chs. */
export function userDataDir(place: UserPlace): string {
  return userDir(place, 'XDG_DATA_HOME', ['.local', 'share'], 'LOCALAPPDATA', 'Local');
}

function userDir(
  { platform, env, home }: UserPlace,
  xdgName: string,
  xdgDefault: readonly string[],
  windowsName: string,
  windowsDefault: string,
): string {
  const paths = pathsOf(platform);
  if (platform === 'win32') {
    return paths.join(
      absolute(paths, env[windowsName]) ?? paths.join(home, 'AppData', windowsDefault),
      'chs',
    );
  }
  if (platform === 'darwin') return paths.join(home, 'Library', 'Application Support', 'chs');
  return paths.join(absolute(paths, env[xdgName]) ?? paths.join(home, ...xdgDefault), 'chs');
}

/** The XDG base directory specification says to ignore a relative path; an empty one counts as not set. */
function absolute(paths: typeof posix, folder: string | undefined): string | null {
  return folder !== undefined && paths.isAbsolute(folder) ? folder : null;
}
