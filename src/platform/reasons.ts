/** The reasons that errors name, in Chinese: by their English words, as code and parsers give them. */
import { backupReasons } from './backup-reasons.ts';

/** `{name}` stands for what varies; `{reason}` is a reason itself, `{type}` one of the words below. */
export type PhraseRow = readonly [english: string, chinese: string];

const rows: readonly PhraseRow[] = [
  // Fields of an input, as their schemas say it.
  ['required', '必填'],
  ['wrong', '无效'],
  ['must not be empty', '不能为空'],
  ['invalid input', '无效'],
  ['invalid input: expected {type}, received {type2}', '应为{type}，实为{type2}'],
  ['invalid option: expected one of {options}', '应为以下之一：{options}'],
  ['invalid input: expected {value}', '应为 {value}'],
  ['too small: expected number to be >={bound}', '数值过小，应不小于 {bound}'],
  ['too small: expected number to be >{bound}', '数值过小，应大于 {bound}'],
  ['too big: expected number to be <={bound}', '数值过大，应不大于 {bound}'],
  ['too big: expected number to be <{bound}', '数值过大，应小于 {bound}'],
  ['too small: expected int to be >={bound}', '数值过小，应不小于 {bound}'],
  ['too big: expected int to be <={bound}', '数值过大，应不大于 {bound}'],
  ['too small: expected string to have >={bound} characters', '文本过短，至少 {bound} 个字符'],
  ['too big: expected string to have <={bound} characters', '文本过长，最多 {bound} 个字符'],
  ['expected an ID as the upload gave it', '应为上传时返回的 ID'],
  ['expected a GUID such as {example}', '应为 GUID，例如 {example}'],
  ['expected an ISO 8601 date and time such as {example}', '应为 ISO 8601 日期和时间，例如 {example}'],
  ['expected a hexadecimal code such as {example}', '应为十六进制代码，例如 {example}'],
  ['expected a hexadecimal address such as {example}', '应为十六进制地址，例如 {example}'],
  ['expected a hexadecimal number such as {example}', '应为十六进制数，例如 {example}'],
  ['expected a SHA-256 of 64 hexadecimal digits', '应为 64 位十六进制的 SHA-256'],
  ['expected a token ID as `chs token list` shows it', '应为 `chs token list` 所列的令牌 ID'],
  [
    'expected 1 to 64 letters, digits, spaces or any of {characters}',
    '应为 1 到 64 个字母、数字、空格或 {characters} 中的字符',
  ],
  ['expected a whole number from {from} to {to}', '应为 {from} 到 {to} 之间的整数'],
  ['there is no such field', '没有这个字段'],
  ['expected a span such as {example}, or an ISO 8601 time', '应为时长（例如 {example}）或 ISO 8601 时间'],
  ['expected a span such as {example} or {other}', '应为时长，例如 {example} 或 {other}'],
  ['expected a span such as {example}', '应为时长，例如 {example}'],
  ['expected a size such as {example}, or a number of bytes', '应为大小（例如 {example}）或字节数'],
  ['it lies in the future', '该时间在将来'],
  ['this time has passed', '该时间已过'],
  [
    'required: give {one} and {two}, or {three} and {four}',
    '必填：请给出 {one} 和 {two}，或 {three} 和 {four}',
  ],
  // Log sessions.
  ['expected at most {count} (limits.max_context_lines)', '最多 {count}（limits.max_context_lines）'],
  ['needs mode "json"', '需要 mode "json"'],
  [
    '"{text}" is no condition: expected {operators} and a value',
    '“{text}”不是条件：应为路径，或路径、运算符（{operators}）和值',
  ],
  ['{start} is after {end}', '{start} 晚于 {end}'],
  [
    '{field} {text} is no time of RFC 3339 with a zone, such as {example}',
    '{field} {text} 不是带时区的 RFC 3339 时间，例如 {example}',
  ],
  ['it is not a cursor', '它不是游标'],
  ['it is not one of this server', '它不是本服务器签发的'],
  ['it is older than {seconds} s', '它已超过 {seconds} 秒'],
  ['its search is not kept any more', '对应的搜索已不再保留'],
  ['the session would take more than {bytes} bytes ({setting})', '会话将超过 {bytes} 字节（{setting}）'],
  ['it is not one of the session', '它不属于此会话'],
  ['the file has fewer lines', '文件没有这么多行'],
  ['the file has fewer lines: about {count}', '文件没有这么多行：约 {count} 行'],
  ['no line begins there', '该处不是行首'],
  ['expected an IANA time zone such as {example}', '应为 IANA 时区，例如 {example}'],
  ['there is no hit {id} in this session', '此会话中没有命中 {id}'],
  ['there is no rule {name}, perhaps one of {names}', '没有规则 {name}，是否为 {names} 之一'],
  ['there is no rule {name}', '没有规则 {name}'],
  ['more than {count} facts, so name fewer hits or rules', '事实超过 {count} 条，请减少命中或规则'],
  ['more than {count} files', '文件超过 {count} 个'],
  // JSON.
  ['it is null', '内容为 null'],
  ['it is an array', '内容为数组'],
  ['it is a string', '内容为文本'],
  ['it is a number', '内容为数字'],
  ['it is a boolean', '内容为布尔值'],
  ['no JSON', '不是 JSON'],
  ['Unexpected end of JSON input', 'JSON 文本不完整'],
  ['Unexpected token {token}', 'JSON 语法错误：意外的字符 {token}'],
  [
    '{what} JSON at position {at} (line {line} column {column})',
    'JSON 语法错误（第 {line} 行第 {column} 列）',
  ],
  ['{what} JSON at position {at}', 'JSON 语法错误（位置 {at}）'],
  ['longer than {limit} bytes ({setting})', '超过 {limit} 字节（{setting}）'],
  ['its charset is not UTF-8', '字符集不是 UTF-8'],
  // Annotations.
  ['a name of more than {count} bytes ({setting})', '名称超过 {count} 字节（{setting}）'],
  ['more than {count} of them ({setting})', '数量超过 {count}（{setting}）'],
  ['names and values of more than {size} ({setting})', '名称与内容合计超过 {size}（{setting}）'],
  // Multipart bodies.
  ['more than {count} parts', '超过 {count} 个字段'],
  ['its lines must end with CR LF, and end with LF alone', '各行应以 CR LF 结尾，实际只有 LF'],
  [
    'the part "{part}" has no filename, so it counts as text; with curl: -F "{example}"',
    '字段 "{part}" 没有 filename，因而被当作文本；用 curl 时写作：-F "{example}"',
  ],
  ['Multipart: Boundary not found', '缺少 boundary'],
  ['Malformed part header', '字段头格式错误'],
  ['Malformed content type', 'Content-Type 格式错误'],
  // Names.
  ['it is not a name', '不是有效的名称'],
  ['it holds a path separator', '含有路径分隔符'],
  ['it begins with a drive letter', '以盘符开头'],
  ['it holds a character that file names cannot have everywhere', '含有并非所有系统都允许的字符'],
  ['it begins or ends with a space, or ends with a dot', '以空格开头或结尾，或以点结尾'],
  ['it holds two dots in a row', '含有连续的两个点'],
  ['it is the name of a device on Windows', '是 Windows 的设备名'],
  ['it is longer than {count} bytes', '超过 {count} 字节'],
  // Files.
  ['it does not begin with {magic}', '不以 {magic} 开头'],
  ['it does not begin as a PDB does', '开头与 PDB 不符'],
  ['it is an ELF image', '是 ELF 映像'],
  ['a big-endian minidump is not supported', '不支持大端序的 minidump'],
  [
    'a PDB of the old format "{format}" has no GUID and cannot be matched',
    '旧格式 "{format}" 的 PDB 没有 GUID，无法匹配',
  ],
  ['a cabinet of one file is needed, not of {count}', 'cabinet 应只含一个文件，实有 {count} 个'],
  ['a cabinet in a cabinet', 'cabinet 中又是 cabinet'],
  ['{field} is declared {said}, the file says {found}', '{field} 声明为 {said}，文件中为 {found}'],
  // Files of the command line.
  ['there is no such file', '文件不存在'],
  ['a part of its path is a file, not a folder', '路径中有一部分是文件，不是文件夹'],
  ['there is no such file, and it is no ID', '没有这个文件，它也不是 ID'],
  ['permission denied', '权限不足'],
  ['the working directory is gone', '当前工作目录已不存在'],
  ['there is no such directory', '目录不存在'],
  ['nothing that is stored fits', '已存储的文件均不符合条件'],
  ['nothing is left to check after --ignore', '应用 --ignore 之后没有可检查的文件'],
  [
    'it holds no symbol store: no folder NAME/KEY with a PDB or an image',
    '其中没有符号存储：没有含 PDB 或映像的“名称/键”目录',
  ],
  [
    'all that it holds leads out of it; --follow-pointers sends what is there',
    '其中的内容都指向目录之外；加上 --follow-pointers 才会发送',
  ],
  ['it does not begin as a PDB does; it is not sent', '文件开头不是 PDB，不予发送'],
  ['it is too large to be the book of a symbol store', '文件过大，不是符号存储的记录'],
  ['it is too long to be a pointer', '内容过长，不是指针文件'],
  ['it says that there is no file: {message}', '它说明没有文件：{message}'],
  ['it leads to {path}, which is not there', '它指向 {path}，但该文件不存在'],
  ['nothing matches this pattern', '没有文件与此通配模式相符'],
  ['it is empty', '目录为空'],
  [
    'it holds no {kind}, only {count} other files',
    '其中没有所需类型（{kind}）的文件，只有 {count} 个其他文件',
  ],
  ['it holds no {kind}, only one other file', '其中没有所需类型（{kind}）的文件，只有 1 个其他文件'],
  [
    'there are more than {count} entries below it; name a smaller directory',
    '其下超过 {count} 项；请指定更小的目录',
  ],
  [
    'it brings the batch over {count} files; name a smaller directory',
    '加上它后一批超过 {count} 个文件；请指定更小的目录',
  ],
  ['it is a directory', '这是一个目录'],
  ['it lies outside of the allowed directories', '位于允许的目录之外'],
  ['a pattern denies it', '被禁止规则排除'],
  ['a link took its place', '其位置已被链接取代'],
  ['no such file or directory', '没有这个文件或目录'],
  ['its braces stand for too many globs', '花括号展开后的通配模式过多'],
  ['it is not a regular file', '不是普通文件'],
  [
    'it is not a regular file; send it through a pipe and name it -',
    '不是普通文件；请通过管道发送，并以 - 命名',
  ],
  ['the file is empty', '文件为空'],
  ['the name is too long', '文件名过长'],
  ['its symbolic links lead in a circle', '其符号链接构成循环'],
  ['it exists already', '文件已存在'],
  ['it exists already and is no directory', '已存在且不是文件夹'],
  [
    'it exists already and is not empty; --force replaces a bundle',
    '文件夹已存在且不为空；--force 可替换已有的调试包',
  ],
  [
    'it holds {path}, which is not of the bundle; move that away first',
    '其中的 {path} 不属于调试包；请先将其移走',
  ],
  ['it holds other things than a bundle, and is not replaced', '其中不是调试包，不会替换'],
  ['it exists already; --force overwrites it', '文件已存在；--force 可覆盖'],
  ['the disk is full', '磁盘空间不足'],
  ['the file system is read-only', '文件系统为只读'],
  ['whoever read from it went away', '读取方已关闭'],
  ['it is a socket or a device that nothing is behind', '是套接字，或没有实际设备'],
  ['its first line is not an API key', '第一行不是 API Key'],
  ['it became shorter while it was read', '读取期间文件变短了'],
  ['the temporary directory cannot be written; set TMPDIR', '临时目录不可写；请设置 TMPDIR'],
  ['this part of the example is not installed', '示例的这一部分未安装'],
  [
    'it holds more than {count} PDBs; name a smaller directory',
    '其中的 PDB 超过 {count} 个；请指定更小的目录',
  ],
  // The database of chs.
  ['the file was replaced', '文件被替换了'],
  ['it was made by a newer version of chs', '由更新版本的 chs 创建'],
  // Servers.
  ['the connection was refused', '连接被拒绝'],
  ['there is no such host', '主机不存在'],
  ['the connection was cut', '连接中断'],
  ['the connection was cut; is it an https server?', '连接中断；那是 https 服务器吗？'],
  ['it does not speak https; is it an http server?', '对方不使用 https；那是 http 服务器吗？'],
  ['it does not speak http; is it an https server?', '对方不使用 http；那是 https 服务器吗？'],
  ['the TLS handshake failed', 'TLS 握手失败'],
  ['self-signed certificate', '证书为自签名证书'],
  ['certificate has expired', '证书已过期'],
  ['the connection failed', '连接失败'],
  ['it did not answer in time', '未及时应答'],
  ['status {status}, no JSON', '状态码 {status}，不是 JSON'],
  ['status {status}', '状态码 {status}'],
  ['it is not a file', '不是文件'],
  ['it is not a stream of events', '不是事件流'],
  ['it ended the connection', '对方结束了连接'],
  ['it fell silent', '对方没有动静了'],
  ['expected types of events such as {example}', '应为事件类型，例如 {example}'],
  ['it is not what this route gives', '不是该接口应有的内容'],
  ['"{field}" is missing or of another type', '"{field}" 缺失或类型不符'],
  ['{received} of {size} bytes arrived', '共 {size} 字节，只收到 {received} 字节'],
  ['the SHA-256 of what arrived is {found}, not {said}', '收到内容的 SHA-256 为 {found}，应为 {said}'],
  // Who may take a backup.
  ['the caller is on another machine', '调用方在另一台机器上'],
  ['the request was forwarded', '请求经过转发'],
  ['the request may have been forwarded: it is of HTTP/1.0', '请求可能经过转发：它使用 HTTP/1.0'],
  ['the Host header names another machine', 'Host 头指向另一台机器'],
  ['backup.listen needs a backup.token there', '在该地址上 backup.listen 需要 backup.token'],
  ['backup.token is the token from the documentation', 'backup.token 是文档中的示例令牌'],
  ['the snapshot of {name} is not as long as it was', '{name} 的快照长度已改变'],
  ['a snapshot cannot be read ({code})', '无法读取快照（{code}）'],
  // Places of backups.
  ['the disk is read-only', '磁盘为只读'],
  ['a part of it was removed meanwhile', '其中一部分已被删除'],
  ['a file stands where a folder should be', '应为文件夹的位置是一个文件'],
  ['a folder stands where a file should be', '应为文件的位置是一个文件夹'],
  ['something of this name is there already', '已存在同名的内容'],
  ['parts of it are on different disks', '其各部分位于不同的磁盘'],
  ['the disk reports an error', '磁盘报告错误'],
  ['the disk is not there any more', '磁盘已不存在'],
  ['the disk does not answer', '磁盘没有响应'],
  ['the system says {code}', '系统返回 {code}'],
  ['a file does not read back as it was written', '读回的文件与写入的不一致'],
  ['it has something of the name {id} already', '其中已有名为 {id} 的内容'],
  ['it has a backup {id} already', '其中已有备份 {id}'],
  ['the file {name} is missing', '缺少文件 {name}'],
  ['its manifest is too big', '其清单过大'],
  ['no such bucket', '存储桶不存在'],
  ['access denied', '拒绝访问'],
  ['signature refused', '签名被拒绝'],
  ['the access key is not known', '访问密钥未知'],
  ['the credentials have expired', '凭据已过期'],
  ['there are no credentials', '没有凭据'],
  ['the clock of this machine is wrong', '本机时钟不正确'],
  ['it is in another region', '它位于其他区域'],
  ['there is no more room', '空间不足'],
  ['cannot be reached', '无法连接'],
  ['its certificate is not trusted', '其证书不受信任'],
  ['the server is too busy', '服务器过于繁忙'],
  ['the server does not answer in time', '服务器未及时响应'],
  ['the server does not send the whole file', '服务器未发送完整的文件'],
  ['the server failed with status {status}', '服务器故障，状态码 {status}'],
  ['the server refused with status {status}', '服务器拒绝请求，状态码 {status}'],
  ['the server does not speak S3', '服务器不支持 S3 协议'],
];

/** What schemas and `typeof` call the types of JSON. */
const types: Readonly<Record<string, string>> = {
  string: '文本',
  number: '数字',
  int: '整数',
  boolean: '布尔值',
  object: '对象',
  record: '对象',
  array: '数组',
  null: ' null',
  undefined: '空',
};

const PHRASE_CHARS_MAX = 2000;

/** A table of phrases as a function: the Chinese of an English phrase, or null where the table has none. */
export type Translation = (english: string) => string | null;

/** @param others asked for what the rows do not have, and for reasons inside of phrases */
export function translation(table: readonly PhraseRow[], others?: Translation): Translation {
  let patterns: readonly { readonly pattern: RegExp; readonly chinese: string }[] | null = null;
  const inner = (text: string): string | null => translate(text) ?? others?.(text) ?? null;
  const translate = (english: string): string | null => {
    // Phrases with several gaps take a time that grows with the cube of the text, and none of ours is so long.
    if (english.length > PHRASE_CHARS_MAX) return null;
    // Only who speaks Chinese pays for them.
    patterns ??= table.map(([phrase, chinese]) => ({ pattern: patternOf(phrase), chinese }));
    for (const { pattern, chinese } of patterns) {
      const match = pattern.exec(english);
      if (match) return filled(chinese, match.groups ?? {}, inner);
    }
    return null;
  };
  return inner;
}

const known = translation([...rows, ...backupReasons]);

/** A reason in Chinese. What a parser says of a file stays as it is. */
export function reasonInChinese(english: string): string {
  return knownReasonInChinese(english) ?? english;
}

/**
 * A reason in Chinese; null where nothing of it is known. Several are joined by semicolons, with the field in front of
 * the second and those after it.
 */
export function knownReasonInChinese(english: string): string | null {
  const whole = known(english);
  if (whole !== null) return whole;
  const parts = english.split('; ');
  const translated = parts.map(partInChinese);
  if (translated.every((part) => part === null)) return null;
  return translated.map((part, index) => part ?? parts[index]).join('；');
}

function partInChinese(part: string): string | null {
  const [, field, reason] = /^([\w.]+): (.+)$/s.exec(part) ?? [];
  const translated = reason === undefined ? null : known(reason);
  return translated === null ? known(part) : `${field}：${translated}`;
}

/** A semicolon parts one reason from the next, and is in no value. */
function patternOf(phrase: string): RegExp {
  const escaped = phrase.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{(\w+)\}/g, '(?<$1>(?:(?!; ).)+?)')}$`, 's');
}

function filled(chinese: string, found: Readonly<Record<string, string>>, inner: Translation): string {
  return chinese.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = found[name] ?? '';
    if (name.startsWith('type')) return types[value] ?? value;
    return name === 'reason' ? (inner(value) ?? value) : value;
  });
}
