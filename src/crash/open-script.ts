/** How a debugger is started on a bundle: the script that lies in it, and the command line for people. */

/** The folder of symbols in a bundle, laid out as a symbol store. */
export const SYMBOLS_FOLDER = 'symbols';

/** From the one that people want to the one that is everywhere. */
const DEBUGGERS = ['windbgx', 'windbg', 'cdb'] as const;

/** `srv*` alone is Microsoft's own server, with the cache that the debugger has anyway (Microsoft: Symbol path). */
function searchPath(folder: string): string {
  return `srv*${folder}${SYMBOLS_FOLDER};srv*`;
}

/** The command line for a bundle in `folder`, which ends with its separator or is empty. */
export function debuggerCommand(folder: string, dumpName: string): readonly string[] {
  const path = searchPath(folder);
  return [DEBUGGERS[0], '-y', path, '-i', path, '-z', `${folder}${dumpName}`];
}

/**
 * A script for cmd.exe that starts WinDbg or cdb on the dump beside it, from wherever it is called.
 *
 * @param dumpName letters, digits, dots, dashes and underscores only: it stands in the script as it is
 */
export function openScript(dumpName: string): string {
  const lines = [
    '@echo off',
    `rem Opens ${dumpName} in WinDbg, or in cdb, with the symbols that lie beside this script.`,
    'rem What is given to it goes on to the debugger:  open.cmd -c "!analyze -v"',
    'setlocal DisableDelayedExpansion',
    'rem The name of a folder ends with \\, and a quote behind that would be a part of the name.',
    'set "HERE=%~dp0"',
    `set "DUMP=%HERE%${dumpName}"`,
    `set "SYMBOLS=${searchPath('%HERE%')}"`,
    'if not exist "%DUMP%" goto no_dump',
    '',
    'set "DEBUGGER="',
    `for %%D in (${DEBUGGERS.map((name) => `${name}.exe`).join(' ')}) do (`,
    '  if not defined DEBUGGER for %%P in ("%%~$PATH:D") do if not "%%~P"=="" set "DEBUGGER=%%~P"',
    ')',
    'set "KITS=%ProgramFiles(x86)%"',
    'if not defined KITS set "KITS=%ProgramFiles%"',
    'set "KITS=%KITS%\\Windows Kits\\10\\Debuggers"',
    'set "OWN=x64"',
    'if /i "%PROCESSOR_ARCHITECTURE%"=="ARM64" set "OWN=arm64"',
    'if /i "%PROCESSOR_ARCHITECTURE%%PROCESSOR_ARCHITEW6432%"=="x86" set "OWN=x86"',
    'for %%A in (%OWN% x64 x86) do for %%D in (windbg.exe cdb.exe) do (',
    '  if not defined DEBUGGER if exist "%KITS%\\%%A\\%%D" set "DEBUGGER=%KITS%\\%%A\\%%D"',
    ')',
    'if not defined DEBUGGER goto no_debugger',
    '',
    'for %%D in ("%DEBUGGER%") do if /i "%%~nD"=="cdb" goto in_console',
    'start "" "%DEBUGGER%" -y "%SYMBOLS%" -i "%SYMBOLS%" -z "%DUMP%" %*',
    'exit /b 0',
    '',
    ':in_console',
    '"%DEBUGGER%" -y "%SYMBOLS%" -i "%SYMBOLS%" -z "%DUMP%" %*',
    'exit /b',
    '',
    ':no_dump',
    `echo ${dumpName} is not beside this script. If it is in an archive, unpack all of that first.`,
    'pause',
    'exit /b 1',
    '',
    ':no_debugger',
    'echo There is no WinDbg and no cdb on this machine. To install WinDbg:  winget install Microsoft.WinDbg',
    'pause',
    'exit /b 1',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
