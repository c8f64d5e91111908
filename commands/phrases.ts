/** What the commands themselves say of a wrong call, and what to do instead, in Chinese. */
import {
  knownReasonInChinese,
  type PhraseRow,
  type Translation,
  translation,
} from '../src/platform/reasons.ts';

const rows: readonly PhraseRow[] = [
  // The parser of command lines.
  ["unknown option '{name}'", "未知选项 '{name}'"],
  ["unknown command '{name}'", "未知命令 '{name}'"],
  ["missing required argument '{name}'", "缺少参数 '{name}'"],
  ["option '{name}' needs a value", "选项 '{name}' 缺少值"],
  ["option '{name}' is required", "必须给出选项 '{name}'"],
  [
    "option '{name}' argument '{value}' is invalid. Allowed choices are {choices}.",
    "选项 '{name}' 的值 '{value}' 无效：应为以下之一：{choices}",
  ],
  ["option '{name}' argument '{value}' is invalid. {reason}", "选项 '{name}' 的值 '{value}' 无效：{reason}"],
  [
    "too many arguments for '{name}'. Expected {count} argument but got {given}.",
    "'{name}' 的参数过多：应为 {count} 个，实为 {given} 个",
  ],
  [
    "too many arguments for '{name}'. Expected {count} arguments but got {given}.",
    "'{name}' 的参数过多：应为 {count} 个，实为 {given} 个",
  ],
  ['no command is named', '未指定命令'],
  ['Did you mean {name}?', '是否指 {name}？'],
  ['Add --help to see what it takes.', '加 --help 查看用法。'],
  ['`chs --help` lists them.', '`chs --help` 列出全部命令。'],
  ['`chs --help` lists the commands.', '`chs --help` 列出全部命令。'],
  ['`chs {name} --help` lists the verbs: {verbs}.', '`chs {name} --help` 列出全部子命令：{verbs}。'],
  // Options.
  ['a pipe can be read only once; save it to a file', '管道只能读取一次，请先保存为文件'],
  ['--start needs a folder, and not an archive', '--start 需要文件夹，而不是压缩包'],
  [
    'an archive is made of a stored minidump; upload this one first',
    '压缩包由服务器上保存的 minidump 生成，请先上传该文件',
  ],
  ['-o names the working directory; name a folder in it', '-o 指向当前目录，请指定其中的文件夹'],
  ['--server: this is not a URL', '--server：不是 URL'],
  [
    '--server: a URL with a user or password in it is refused, as other users can read command lines',
    '--server：不接受含用户名或密码的 URL，因为其他用户可以看到命令行',
  ],
  ['--server: {scheme} is not http or https', '--server：{scheme} 不是 http 或 https'],
  ['--server: the URL must not have a query or fragment', '--server：URL 不能含查询串或片段'],
  ['Give it as {one} or {other}.', '例如 {one} 或 {other}。'],
  [
    'Give the key by --key-file FILE or by the environment variable CHS_API_KEY.',
    '请用 --key-file 文件 或环境变量 CHS_API_KEY 给出密钥。',
  ],
  ['--port: "{text}" is not a port', '--port："{text}" 不是端口号'],
  ['Give a number from {from} to {to}.', '请给出 {from} 到 {to} 之间的数字。'],
  ["{name} '{value}': {reason}", "{name} '{value}'：{reason}"],
  ['--{name}: {reason}', '--{name}：{reason}'],
  ['{path}: the configuration is written as TOML', '{path}：配置以 TOML 格式写出'],
  ['Give a name that ends in .toml.', '请给出以 .toml 结尾的文件名。'],
  // Logs.
  ["--{name}: there is no zone '{zone}'", "--{name}：没有时区 '{zone}'"],
  ['Name it as {zones}.', '例如 Asia/Shanghai、Europe/Berlin 或 UTC。'],
  ["--{name}: '{text}' is no time", "--{name}：'{text}' 不是时间"],
  [
    'Say it as 10m, "2h ago", 15:04, "2026-01-06 15:04" or 2026-01-06T15:04:05Z.',
    '例如 10m、"2h ago"、15:04、"2026-01-06 15:04" 或 2026-01-06T15:04:05Z。',
  ],
  ['nothing to search for', '没有要搜索的内容'],
  ['Give a PATTERN, as in {example}.', '请给出 PATTERN，例如 {example}。'],
  ['--session names the files already; leave the paths out', '--session 已指定文件，请去掉路径'],
  ['--keep searches the files of a session; leave the paths out', '--keep 搜索会话中的文件，请去掉路径'],
  ['standard input (-) cannot be searched together with files', '标准输入（-）不能与文件一起搜索'],
  [
    'standard input can be searched on this machine only; a server reads its own files',
    '标准输入只能在本机搜索；服务器读取的是它自己的文件',
  ],
  ['Leave --server out, or name a path of the server.', '请去掉 --server，或给出服务器上的路径。'],
  ['Name a path of the server.', '请给出服务器上的路径。'],
  ['there is no session yet', '还没有会话'],
  ['Start one: {command}.', '请先新建：{command}。'],
  ['{pattern}: it matches more than {count} paths', '{pattern}：匹配的路径超过 {count} 个'],
  ["'{place}' is no place", "'{place}' 不是位置"],
  ['Name a directory.', '请指定目录。'],
  ['Give it as FILE:LINE, such as app.log:120.', '请写成 FILE:LINE，例如 app.log:120。'],
  [
    '--logs needs a stored minidump; upload this one first',
    '--logs 需要服务器上保存的 minidump，请先上传该文件',
  ],
  ['standard input is a terminal, and MCP speaks to programs', '标准输入是终端，而 MCP 是给程序用的'],
  [
    'Name `chs mcp` as the command of a server in your MCP client.',
    '请在 MCP 客户端中把 `chs mcp` 设为服务器的命令。',
  ],
  ['browse draws on a terminal, and there is none', 'browse 需要终端，而此处没有'],
  [
    '`chs logs search` gives the same lines to pipes and files.',
    '`chs logs search` 可把相同的行输出到管道或文件。',
  ],
  // Standard input and terminals.
  ['standard input (-) can be read only once', '标准输入（-）只能读取一次'],
  ['{name} reads standard input, which is a terminal here', '{name} 读取标准输入，而此处标准输入是终端'],
  ['this deletes data, and there is no terminal to ask on', '此操作会删除数据，但没有可供确认的终端'],
  ['Add --yes to do it without asking.', '加 --yes 则不再询问。'],
  [
    'Standard input cannot be sent a second time. Write it to a file first, and it is tried again by itself.',
    '标准输入无法再次发送。请先写入文件，之后会自动重试。',
  ],
  // Logs.
  [
    'standard input (-) is searched when it has ended, so that --follow would give nothing more',
    '标准输入（-）结束后才会搜索，因此 --follow 不会有更多结果',
  ],
  ['Leave --follow out: it is read to its end anyway.', '请去掉 --follow：标准输入总会读到末尾。'],
  // Answers.
  ['{dump} lists no modules, so it asks for no PDB', '{dump} 没有列出模块，因此不需要 PDB'],
  ['there is no PDB in {places}', '{places} 中没有 PDB'],
  [
    'the PDB does not match {dump}: {program} needs {guid} age {age}',
    '该 PDB 与 {dump} 不匹配：{program} 需要 {guid} age {age}',
  ],
  [
    'the PDB does not match {dump}: {program} carries no CodeView record with a usable GUID',
    '该 PDB 与 {dump} 不匹配：{program} 没有含可用 GUID 的 CodeView 记录',
  ],
  [
    'none of {count} PDBs matches {dump}: {program} needs {guid} age {age}',
    '{count} 个 PDB 均与 {dump} 不匹配：{program} 需要 {guid} age {age}',
  ],
  [
    'none of {count} PDBs matches {dump}: {program} carries no CodeView record with a usable GUID',
    '{count} 个 PDB 均与 {dump} 不匹配：{program} 没有含可用 GUID 的 CodeView 记录',
  ],
  [
    'no stored PDB matches {program}: it needs {guid} age {age}',
    '没有已存储的 PDB 与 {program} 匹配：它需要 {guid} age {age}',
  ],
  [
    '{program} carries no CodeView record with a usable GUID, and no stored EXE tells which PDB is its own',
    '{program} 没有含可用 GUID 的 CodeView 记录，也没有已存储的 EXE 能说明它的 PDB',
  ],
  // Backups.
  ["two databases would be called '{name}'", "会有两个数据库都叫 '{name}'"],
  [
    'Give one of them another name in the configuration, under backup.databases.',
    '请在配置的 backup.databases 中给其中一个另取名称。',
  ],
  [
    'a URL with a password in it is refused, as other users can read command lines',
    '不接受含密码的 URL，因为其他用户可以看到命令行',
  ],
  [
    'Put it into the configuration, under backup.databases, or the password into ~/.pgpass.',
    '请写入配置的 backup.databases，或把密码写入 ~/.pgpass。',
  ],
  ['this is not a postgres:// URL', '不是 postgres:// URL'],
  ['--to: this is not a postgres:// URL', '--to：不是 postgres:// URL'],
  [
    '--to is for databases here; a server keeps backups where its own configuration says',
    '--to 只用于本机的数据库；服务器把备份存放在其自身配置的位置',
  ],
  ['Leave --to or --server out.', '请去掉 --to 或 --server。'],
  [
    "'{place}' is a database here; a server backs up what its own configuration names",
    "'{place}' 是本机的数据库；服务器只备份其自身配置中的数据库",
  ],
  ['Name a database of the server, or leave --server out.', '请给出服务器上数据库的名称，或去掉 --server。'],
  ['where to is not said', '未说明恢复到哪里'],
  ['--{name} and --{other} exclude each other', '--{name} 与 --{other} 不能同时使用'],
  [
    'Give --to PATH, or --in-place to replace what the configuration names.',
    '请给出 --to 路径，或用 --in-place 替换配置所指的数据库。',
  ],
  ['this replaces databases, and there is no terminal to ask on', '此操作会替换数据库，但没有可供确认的终端'],
  ['no server is named', '未指定服务器'],
  [
    'Give --server URL, or use `chs backup create` for the databases of this machine.',
    '请给出 --server URL；本机的数据库请用 `chs backup create`。',
  ],
  [
    'a schedule is for databases here, and --server names another machine',
    '计划只用于本机的数据库，而 --server 指向另一台机器',
  ],
  [
    'A server has its own: backup.schedule in its configuration.',
    '服务器有自己的计划：其配置中的 backup.schedule。',
  ],
  ["there is no zone '{zone}'", "没有时区 '{zone}'"],
  ['--schedule: expected five fields', '--schedule：应为五个字段'],
  [
    "--schedule: the {field} '{text}' is none that crontab and systemd know",
    "--schedule：crontab 和 systemd 不认识 {field} '{text}'",
  ],
  [
    '--schedule: a step of days together with a day of the week means one thing here and another there',
    '--schedule：日期步长与星期同时使用时，各调度程序的含义不同',
  ],
  ['--schedule: {reason}', '--schedule：{reason}'],
  [
    'Give five fields such as "0 2 * * *", or run `chs backup cron` in the foreground.',
    '请给出五个字段，例如 "0 2 * * *"，或在前台运行 `chs backup cron`。',
  ],
  ['Give five fields such as "0 2 * * *".', '请给出五个字段，例如 "0 2 * * *"。'],
  ['Windows has neither crontab nor systemd', 'Windows 没有 crontab 和 systemd'],
];

/** The Chinese of something that a command says; null for what is in no table. */
export const phraseInChinese = translation(rows, knownReasonInChinese);

/**
 * The Chinese of a sentence that may have names before it, of files, places or backups: these stay. Null where the table
 * has no such sentence.
 */
export function afterNames(english: string, inChinese: Translation): string | null {
  const whole = inChinese(english);
  if (whole !== null) return whole;
  for (const { index } of english.matchAll(/: /g)) {
    const translated = inChinese(english.slice(index + 2));
    if (translated !== null) return `${english.slice(0, index)}：${translated}`;
  }
  return null;
}
