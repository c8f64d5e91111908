/** The texts of every error in English and Chinese, with what to do about it. */
import { backupMessages } from './backup-messages.ts';
import type { ErrorCode } from './errors.ts';

export type Language = 'en' | 'zh';

/** A text, and what to do about it. */
export interface MessageRow {
  readonly en: string;
  readonly zh: string;
  readonly hint?: string;
  readonly hintZh?: string;
}

export const messages: Record<ErrorCode, MessageRow> = {
  INVALID_INPUT: { en: '{field}: {reason}', zh: '参数错误：{field}：{reason}' },
  INVALID_METADATA: {
    en: 'the metadata part is not a JSON object: {reason}',
    zh: '元数据不是有效的 JSON 对象：{reason}',
    hint: 'Send metadata as JSON text, for example {"exe_version":"1.0.2.3"}.',
    hintZh: '请以 JSON 文本发送 metadata，例如 {"exe_version":"1.0.2.3"}。',
  },
  NOT_MULTIPART: {
    en: 'the request body is neither multipart/form-data nor a raw file (got {type})',
    zh: '请求体既不是 multipart/form-data，也不是原始文件（收到 {type}）',
    hint: 'Send a raw file as Content-Type: application/octet-stream.',
    hintZh: '直接发送文件时请使用 Content-Type: application/octet-stream。',
  },
  BAD_MULTIPART: {
    en: 'the multipart body is malformed: {reason}',
    zh: 'multipart 请求体格式错误：{reason}',
  },
  MISSING_PART: {
    en: 'the multipart body has no file part named "{part}"',
    zh: '文件上传失败：缺少文件字段 "{part}"',
    hint: 'With curl: -F "{part}=@FILE" -F \'metadata={...}\'.',
    hintZh: '使用 curl：-F "{part}=@文件" -F \'metadata={...}\'。',
  },
  UNKNOWN_PART: {
    en: 'the multipart body has a part "{part}" that this route does not take (it takes {known})',
    zh: '文件上传失败：未知的字段 "{part}"（可用字段：{known}）',
  },
  REPEATED_PART: { en: 'the part "{part}" was sent twice', zh: '文件上传失败：字段 "{part}" 重复' },
  BODY_TRUNCATED: { en: 'the request body ended too early', zh: '请求体不完整' },
  BAD_ENCODING: { en: 'the body is not valid {encoding} data', zh: '请求体不是有效的 {encoding} 数据' },
  UNSUPPORTED_ENCODING: {
    en: 'Content-Encoding "{encoding}" is not supported',
    zh: '不支持的 Content-Encoding："{encoding}"',
    hint: 'Send the body as it is, or with gzip.',
    hintZh: '请直接发送，或使用 gzip 压缩。',
  },
  BODY_TOO_LARGE: {
    en: 'the request body is over the limit of {limit}',
    zh: '请求体超过限制（最大 {limit}）',
  },
  MALFORMED_REQUEST: { en: 'this is not a valid HTTP request', zh: '不是有效的 HTTP 请求' },
  HEADERS_TOO_LARGE: { en: 'the headers of the request are too large', zh: '请求头过大' },
  EXPECTATION_FAILED: {
    en: 'the only expectation that can be met is 100-continue',
    zh: '仅支持 Expect: 100-continue',
  },
  EMPTY_FILE: { en: 'the uploaded file is empty', zh: '文件上传失败：文件为空' },
  FILE_TOO_LARGE: {
    en: 'upload failed: the file is over the limit of {limit} ({setting})',
    zh: '文件上传失败：文件大小超过限制（最大 {limit}）',
    hint: 'Raise {setting} in the configuration if files of this size are expected.',
    hintZh: '如果确实需要上传这么大的文件，请在配置中调大 {setting}。',
  },
  WRONG_FILE_TYPE: {
    en: 'upload failed: wrong file type, a {expected} file is needed ({reason})',
    zh: '文件上传失败：文件类型错误（需上传 {expected} 文件）',
  },
  UNSUPPORTED_FORMAT: {
    en: 'upload failed: {reason}',
    zh: '文件上传失败：不支持的格式（{reason}）',
  },
  UNPARSABLE_FILE: {
    en: 'upload failed: the file cannot be read as a {expected} file: {reason}',
    zh: '文件上传失败：无法解析 {expected} 文件：{reason}',
    hint: 'Metadata that names {needed} lets it be stored all the same, marked as unparsed.',
    hintZh: '若元数据给出 {needed}，文件仍可保存，并标记为未解析。',
  },
  IDENTITY_MISMATCH: {
    en: 'upload failed: the metadata contradict the file: {reason}',
    zh: '文件上传失败：元数据与文件内容不一致：{reason}',
    hint: 'Leave the field out and it is read from the file; storage.strict = false stores such files with a warning.',
    hintZh: '省略该字段即可从文件中读取；storage.strict = false 时会保存并给出警告。',
  },
  UNSAFE_NAME: {
    en: '{field}: "{value}" cannot be used in a file name: {reason}',
    zh: '{field}："{value}" 不能用作文件名：{reason}',
  },
  ANNOTATION_LIMIT: {
    en: 'the annotations are over a limit: {reason}',
    zh: '附加信息超过限制：{reason}',
  },
  INVALID_ANNOTATIONS: {
    en: 'the part "{part}" is not a JSON object: {reason}',
    zh: '字段 "{part}" 不是有效的 JSON 对象：{reason}',
  },
  UNAUTHORIZED: {
    en: 'not authorized: the API key is missing or wrong',
    zh: '未授权：API Key 缺失或错误',
    hint: 'Send the key as X-API-Key or as Authorization: Bearer. The command line takes it from CHS_API_KEY or --key-file.',
    hintZh: '请通过 X-API-Key 或 Authorization: Bearer 发送密钥。命令行可使用 CHS_API_KEY 或 --key-file。',
  },
  SYMBOLS_NOT_PUBLIC: {
    en: 'not authorized',
    zh: '未授权',
    hint: 'Use /s/TOKEN in place of /symbols, with a token from `chs token create --scope symbols`, or set symbols.public.',
    hintZh:
      '请用 /s/TOKEN 代替 /symbols（令牌由 `chs token create --scope symbols` 创建），或设置 symbols.public。',
  },
  KEY_EXPIRED: {
    en: 'not authorized: this key has expired or was revoked',
    zh: '未授权：API Key 已过期或已被吊销',
    hint: 'Make a new one with `chs token create`.',
    hintZh: '请使用 `chs token create` 创建新的密钥。',
  },
  FORBIDDEN: {
    en: 'this key has the scope "{scope}"; this needs "{needed}"',
    zh: '权限不足：密钥的权限为 "{scope}"，需要 "{needed}"',
  },
  ADDRESS_REFUSED: { en: 'requests from {address} are not allowed', zh: '不允许来自 {address} 的请求' },
  ORIGIN_REFUSED: {
    en: 'requests of pages from {origin} are not allowed',
    zh: '不允许来自 {origin} 页面的请求',
  },
  MINIDUMP_NOT_FOUND: { en: 'no such minidump (ID: {id})', zh: 'Minidump 不存在（ID：{id}）' },
  PDB_NOT_FOUND: { en: 'no such PDB (ID: {id})', zh: 'PDB 不存在（ID：{id}）' },
  EXE_NOT_FOUND: { en: 'no such EXE (ID: {id})', zh: 'EXE 不存在（ID：{id}）' },
  FILE_MISSING: {
    en: 'the database knows {id}, but its file {path} is gone',
    zh: '数据库中有 {id}，但文件 {path} 已不存在',
  },
  NO_RETENTION_POLICY: {
    en: 'nothing says what may be deleted: there is no limit of age or size',
    zh: '没有指定可删除的范围：既无保留时间，也无大小上限',
    hint: 'Give --max-age 90d or --max-size 50GB, or set cleanup.max_age or cleanup.max_size in the configuration.',
    hintZh: '请给出 --max-age 90d 或 --max-size 50GB，或在配置中设置 cleanup.max_age 或 cleanup.max_size。',
  },
  NO_MATCHING_PDB: {
    en: 'No matching PDB found for the given parameters',
    zh: '未找到与给定参数匹配的 PDB',
  },
  NO_MATCHING_EXE: { en: 'No matching EXE found for the given GUID', zh: '未找到与给定 GUID 匹配的 EXE' },
  SYMBOL_NOT_FOUND: { en: 'no such symbol file', zh: '符号文件不存在' },
  TOKEN_NOT_FOUND: {
    en: 'no such token: {id}',
    zh: '令牌不存在：{id}',
    hint: '`chs token list` shows them all.',
    hintZh: '`chs token list` 可列出全部令牌。',
  },
  ROUTE_NOT_FOUND: { en: 'no such route: {method} {path}', zh: '接口不存在：{method} {path}' },
  METHOD_NOT_ALLOWED: { en: '{method} is not possible on {path}', zh: '{path} 不支持 {method}' },
  PRECONDITION_FAILED: {
    en: 'the file is not the one that the request is about (If-Match, If-Unmodified-Since)',
    zh: '文件与请求的前提条件不符（If-Match、If-Unmodified-Since）',
  },
  RANGE_NOT_SATISFIABLE: {
    en: 'the range is outside the file ({size} bytes)',
    zh: '请求范围超出文件（{size} 字节）',
  },
  SESSION_NOT_FOUND: {
    en: 'no such session: {id}',
    zh: '会话不存在：{id}',
    hint: 'It was closed, or not used for longer than sessions.session_ttl. Start a new one with `chs logs open` or start_session.',
    hintZh:
      '会话已关闭，或超过 sessions.session_ttl 未使用。请用 `chs logs open` 或 start_session 新建会话。',
  },
  FILE_DENIED: {
    en: 'no access to {path}: {reason}',
    zh: '无权访问 {path}：{reason}',
    hint: 'Logs are read below fs.allow_roots only, and never where fs.deny_patterns match.',
    hintZh: '只能读取 fs.allow_roots 之下、且不匹配 fs.deny_patterns 的日志。',
  },
  INVALID_ENCODING: { en: 'no such encoding: {encoding}', zh: '不支持的编码：{encoding}' },
  BAD_TIME_RANGE: { en: 'bad time range: {reason}', zh: '时间范围无效：{reason}' },
  SEARCH_TIMEOUT: {
    en: 'the search found no time to begin',
    zh: '搜索超时',
    hint: 'Give a longer hard_timeout_ms.',
    hintZh: '请增大 hard_timeout_ms。',
  },
  REGEX_TIMEOUT: {
    en: 'the regular expression took longer than {limit} ms on one line',
    zh: '正则表达式在单行上的执行超过 {limit} 毫秒',
  },
  REGEX_ERROR: {
    en: 'the regular expression is not valid: {reason}',
    zh: '正则表达式无效：{reason}',
    hint: 'The syntax is that of RE2: no look-around, no back-references.',
    hintZh: '语法为 RE2：不支持环视和反向引用。',
  },
  TOO_MANY_HITS: {
    en: 'there are too many hits for one call: {count}, at most {limit}',
    zh: '命中数过多：{count}，单次最多 {limit}',
  },
  QUOTA_EXCEEDED: { en: 'over a limit: {reason}', zh: '超出配额：{reason}' },
  CURSOR_EXPIRED: {
    en: 'this cursor is not valid any more: {reason}',
    zh: '游标已失效：{reason}',
    hint: 'Search again from the beginning.',
    hintZh: '请重新发起搜索。',
  },
  RATE_LIMITED: { en: 'too many requests', zh: '请求过于频繁' },
  DATABASE_ERROR: { en: 'the database failed: {reason}', zh: '数据库错误：{reason}' },
  IO_ERROR: { en: 'cannot read {path}: {reason}', zh: '无法读取 {path}：{reason}' },
  CONFIG_ERROR: { en: 'the configuration is not usable: {reason}', zh: '配置错误：{reason}' },
  ...backupMessages,
  REQUEST_TIMEOUT: { en: 'the request took too long', zh: '请求超时' },
  CALLER_GONE: { en: 'the caller went away before the end', zh: '客户端已断开连接' },
  INTERNAL: {
    en: 'internal error (request {requestId})',
    zh: '服务器内部错误（请求 {requestId}）',
    hint: 'The log has the whole of it under this request id.',
    hintZh: '日志中有该请求 ID 的完整信息。',
  },
  STORAGE_UNWRITABLE: {
    en: 'the storage directory cannot be written: {reason}',
    zh: '存储目录不可写：{reason}',
    hint: 'Check the owner and the mount of storage.base_path.',
    hintZh: '请检查 storage.base_path 的所有者与挂载方式。',
  },
  TOO_BUSY: { en: 'too many requests of this kind at once, try again soon', zh: '同类请求过多，请稍后重试' },
  DATABASE_BUSY: { en: 'the database is locked by another process', zh: '数据库被其他进程锁定' },
  SHUTTING_DOWN: { en: 'the server is shutting down', zh: '服务器正在关闭' },
  STORAGE_FULL: {
    en: 'the disk is full; nothing was changed',
    zh: '磁盘空间不足，未作任何更改',
    hint: 'Free some space on the disk that holds the data, for example by deleting stored files.',
    hintZh: '请在数据所在磁盘上释放空间，例如删除已保存的文件。',
  },
  USAGE: { en: '{reason}', zh: '{reason}' },
  NO_MATCH: { en: '{reason}', zh: '{reason}' },
  CONFIG_INVALID: {
    en: 'the configuration is wrong: {reason}',
    zh: '配置错误：{reason}',
    hint: '`chs config check` lists every problem; `chs config schema` says what each key takes.',
    hintZh: '`chs config check` 列出所有问题；`chs config schema` 说明每个键的取值。',
  },
  DATABASE_UNUSABLE: {
    en: 'the database {path} cannot be used: {reason}',
    zh: '数据库 {path} 无法使用：{reason}',
    hint: '`chs doctor` looks closer; for another place set CHS_DATA_DIR or database.path.',
    hintZh: '`chs doctor` 可进一步检查；可用 CHS_DATA_DIR 或 database.path 换一个位置。',
  },
  LOCAL_FILE: { en: '{path}: {reason}', zh: '{path}：{reason}' },
  SERVER_UNREACHABLE: {
    en: 'no answer from {server}: {reason}',
    zh: '无法连接 {server}：{reason}',
    hint: 'Is `chs serve` running there? Without --server the command works on the local data directory.',
    hintZh: '那里是否运行着 `chs serve`？不加 --server 时命令直接使用本地数据目录。',
  },
  SERVER_REPLY: {
    en: '{server} gave an unexpected reply: {reason}',
    zh: '{server} 返回了意外的响应：{reason}',
    hint: 'Is it a chs server? --server takes its base URL, such as http://127.0.0.1:3000.',
    hintZh: '那是 chs 服务器吗？--server 应为其根地址，例如 http://127.0.0.1:3000。',
  },
  DOWNLOAD_DAMAGED: {
    en: 'the download is not what was announced: {reason}',
    zh: '下载的内容与服务器声明的不一致：{reason}',
    hint: 'Try again; if it stays so, the file was damaged where it is stored.',
    hintZh: '请重试；若仍如此，则文件在存储处已损坏。',
  },
  PORT_TAKEN: {
    en: 'port {port} on {host} is already in use',
    zh: '{host} 的端口 {port} 已被占用',
    hint: 'Another chs may be running; choose another with --port, or server.port in the configuration.',
    hintZh: '可能已有一个 chs 在运行；可用 --port 或配置中的 server.port 选择其他端口。',
  },
  LISTEN_FAILED: { en: 'cannot listen on {host}:{port}: {reason}', zh: '无法监听 {host}:{port}：{reason}' },
  PORT_NOT_ALLOWED: {
    en: 'this user may not listen on port {port} of {host}',
    zh: '当前用户无权监听 {host} 的端口 {port}',
    hint: 'Ports below 1024 are for administrators: choose another with --port, and let a proxy in front take this one.',
    hintZh: '1024 以下的端口仅限管理员使用：请用 --port 选择其他端口，并由前置代理监听该端口。',
  },
  UNSAFE_LISTEN: {
    en: 'refusing to listen on {host}: {reason}',
    zh: '拒绝监听 {host}：{reason}',
    hint: 'Set server.api_key, or backup.token for backup.listen, to a secret of your own (32 random characters, say), or listen on 127.0.0.1.',
    hintZh:
      '请将 server.api_key（backup.listen 则为 backup.token）设为自己的密钥（例如 32 个随机字符），或只监听 127.0.0.1。',
  },
  KEY_UNUSABLE: {
    en: 'the API key in {path} cannot be used: {reason}',
    zh: '{path} 中的 API Key 无法使用：{reason}',
    hint: 'Let this user read it, or remove it and the next start makes another; or set server.api_key.',
    hintZh: '请让当前用户可以读取它，或删除它（下次启动会生成新的密钥）；也可设置 server.api_key。',
  },
  KEY_UNWRITABLE: {
    en: 'an API key cannot be made in {path}: {reason}',
    zh: '无法在 {path} 中生成 API Key：{reason}',
    hint: 'Check the owner and the mount of that folder; for another place set CHS_DATA_DIR or database.path.',
    hintZh: '请检查该文件夹的所有者与挂载方式；可用 CHS_DATA_DIR 或 database.path 换一个位置。',
  },
  INTERRUPTED: { en: 'interrupted', zh: '已中断' },
};
