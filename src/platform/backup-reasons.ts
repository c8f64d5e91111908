/** The reasons that errors of backups name, in Chinese: rows of the table in reasons.ts. */

export const backupReasons: readonly (readonly [english: string, chinese: string])[] = [
  // PostgreSQL.
  ['the URL is not usable: {reason}', 'URL 不可用：{reason}'],
  ['expected postgres://', '应以 postgres:// 开头'],
  ['it is too long', '过长'],
  [
    '/, @ and ? in names and passwords are written %2F, %40 and %3F',
    '名称和密码中的 /、@、? 应写作 %2F、%40、%3F',
  ],
  [
    '% is not followed by two hexadecimal digits (as a sign it is written %25)',
    '% 之后不是两位十六进制数字（% 本身应写作 %25）',
  ],
  ['it has control characters', '含有控制字符'],
  ['it names too many hosts', '主机过多'],
  [
    'beside a service it can name a database and options, but no host and no user',
    '指定 service 时可再写数据库和选项，但不能写主机和用户',
  ],
  [
    'the host is not readable (an IPv6 address stands in brackets)',
    '主机无法识别（IPv6 地址应写在方括号中）',
  ],
  ['the port is not a number from 1 to 65535', '端口应为 1 到 65535 之间的整数'],
  ['each option is written name=value', '选项应写作 名称=值'],
  ['the option {option} is not supported', '不支持选项 {option}'],
  ['an option is not supported', '有不支持的选项'],
  ['it has not as many ports as hosts', '端口数与主机数不符'],
  ['the URL names no database', 'URL 未指定数据库'],
  ['it is a template', '它是模板数据库'],
  ['it is not installed here', '本机未安装'],
  [
    'the server is of version {server}, the newest client here of {client}',
    '服务器版本为 {server}，本机最新的客户端版本为 {client}',
  ],
  ['install {packages}', '请安装 {packages}'],
  ['1 connection is open ({names})', '有 1 个连接未关闭（{names}）'],
  ['{count} connections are open ({names})', '有 {count} 个连接未关闭（{names}）'],
  ['somebody made or renamed it meanwhile', '期间有人创建或改名了该数据库'],
  ['the archive cannot be read: {reason}', '无法读取归档：{reason}'],
  ['the dump of {name} cannot be read back: {reason}', '{name} 的转储无法读回：{reason}'],
  [
    'the role may not create databases (it needs CREATEDB), and one beside is needed',
    '该角色无权创建数据库（需要 CREATEDB），而恢复需要另建一个数据库',
  ],
  ['restored, it has {count} tables in place of {expected}', '恢复后有 {count} 个表，应为 {expected} 个'],
  ['there is no database to connect with', '没有可连接的数据库'],
];
