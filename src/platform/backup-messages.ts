/** The texts of the errors that backups and restores give, in English and Chinese. */
import type { MessageRow } from './messages.ts';

export const backupMessages = {
  BACKUP_NOT_FOUND: {
    en: 'there is no backup {id}',
    zh: '没有备份 {id}',
    hint: '`chs backup list` shows those that there are.',
    hintZh: '`chs backup list` 可列出现有备份。',
  },
  BACKUP_FILE_NOT_FOUND: {
    en: 'there is no file {file} in the backup {id}',
    zh: '备份 {id} 中没有文件 {file}',
    hint: '`chs backup show ID --json` names the files of a backup.',
    hintZh: '`chs backup show ID --json` 可列出备份中的文件。',
  },
  BACKUP_RUNNING: {
    en: 'as many backups are running as may run at once',
    zh: '正在进行的备份已达到同时运行的上限',
    hint: 'Try again when one of them is done.',
    hintZh: '请在其中一个完成后重试。',
  },
  BACKUP_TOKEN: {
    en: 'not authorized: the backup token is missing or wrong',
    zh: '未授权：备份令牌缺失或错误',
    hint: 'Send backup.token of the server as X-Backup-Token, or as ?token=; `chs backup pull` takes it from CHS_BACKUP_TOKEN or --token-file.',
    hintZh:
      '请通过 X-Backup-Token 或 ?token= 发送服务器的 backup.token；`chs backup pull` 可使用 CHS_BACKUP_TOKEN 或 --token-file。',
  },
  BACKUP_LOCAL_ONLY: {
    en: 'without a token, backups are given to callers on the same machine only ({reason})',
    zh: '未配置令牌时，仅向本机提供备份（{reason}）',
    hint: 'Set backup.token (CHS_BACKUP_TOKEN) and send it as X-Backup-Token.',
    hintZh: '请设置 backup.token（CHS_BACKUP_TOKEN），并以 X-Backup-Token 发送。',
  },
  BACKUP_FAILED: { en: 'the backup failed: {reason}', zh: '备份失败：{reason}' },
  BACKUP_DAMAGED: {
    en: 'the backup {id} is damaged: {reason}',
    zh: '备份 {id} 已损坏：{reason}',
    hint: '`chs backup list` shows the other ones.',
    hintZh: '`chs backup list` 可列出其他备份。',
  },
  BACKUP_NO_ROOM: {
    en: 'there is not enough room for a backup on the disk of {path}; nothing was kept',
    zh: '{path} 所在磁盘空间不足，无法备份；未保留任何内容',
    hint: 'Free some space there, prune older backups, or name another place in backup.target.',
    hintZh: '请释放该磁盘的空间、清理旧备份，或在 backup.target 中指定其他位置。',
  },
  BACKUP_TARGET: {
    en: 'backups cannot be kept in {place}: {reason}',
    zh: '无法在 {place} 保存备份：{reason}',
  },
  NO_SUCH_DATABASE: {
    en: 'no database called {name} is configured (there are: {known})',
    zh: '没有配置名为 {name} 的数据库（已有：{known}）',
    hint: 'Name it in the configuration, for example backup.databases.{name} = "/data/{name}.db".',
    hintZh: '请在配置中写明，例如 backup.databases.{name} = "/data/{name}.db"。',
  },
  SOURCE_MISSING: {
    en: 'database {name}: there is no file {path}',
    zh: '数据库 {name}：文件 {path} 不存在',
    hint: 'The database of chs is made when something is stored; others are named in backup.databases.',
    hintZh: 'chs 的数据库在首次保存数据时创建；其他数据库在 backup.databases 中指定。',
  },
  SOURCE_UNREADABLE: {
    en: 'database {name} ({path}) cannot be read: {reason}',
    zh: '数据库 {name}（{path}）无法读取：{reason}',
  },
  SOURCE_DAMAGED: {
    en: 'database {name} ({path}) is damaged: {reason}',
    zh: '数据库 {name}（{path}）已损坏：{reason}',
    hint: 'An older backup may be whole: `chs backup verify ID`.',
    hintZh: '较早的备份可能完好：`chs backup verify ID`。',
  },
  SOURCE_BUSY: {
    en: 'database {name} ({path}) is locked by another process',
    zh: '数据库 {name}（{path}）被其他进程锁定',
  },
  DATABASE_SERVER: {
    en: 'database {name} ({path}): {reason}',
    zh: '数据库 {name}（{path}）：{reason}',
  },
  DATABASE_TOOL: {
    en: '{tool} cannot be used: {reason}',
    zh: '无法使用 {tool}：{reason}',
    hint: "Install the PostgreSQL client of the server's version or a newer one.",
    hintZh: '请安装不低于服务器版本的 PostgreSQL 客户端。',
  },
  RESTORE_REFUSED: { en: 'not restored to {path}: {reason}', zh: '未恢复到 {path}：{reason}' },
  BACKUP_KEY: {
    en: 'the key that signs backups, {path}, cannot be used: {reason}',
    zh: '备份签名密钥 {path} 不可用：{reason}',
  },
} as const satisfies Record<string, MessageRow>;
