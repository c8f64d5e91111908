/** What commands warn of about backups, in the language of whoever reads it. */
import { type PhraseRow, translation } from '../../src/platform/reasons.ts';
import { afterNames, phraseInChinese } from '../phrases.ts';
import type { Run } from '../run.ts';

const rows: readonly PhraseRow[] = [
  // Signatures, and records of verification.
  ['another installation signed its manifest', '其清单由另一套 chs 签名'],
  ['its manifest was changed: the signature does not fit', '其清单被改动过：签名不符'],
  ['its manifest was changed after it was signed', '其清单在签名后被改动过'],
  ['it was signed by the key of another installation', '它由另一套 chs 的密钥签名'],
  ['another installation signed it', '它由另一套 chs 签名'],
  ['it was changed', '它被改动过'],
  ['it is of another manifest', '它属于另一份清单'],
  ['its manifest cannot be read', '无法读取其清单'],
  ['the record of its verification does not count: {reason}', '其验证记录无效：{reason}'],
  ['the record of what was pruned ({file}) does not count: {reason}', '清理记录（{file}）无效：{reason}'],
  ['the key that signs backups, {path}, cannot be used: {reason}', '备份签名密钥 {path} 不可用：{reason}'],
  // Places, and the chain of backups.
  ['there are more than {count} backups; older ones are left out', '备份超过 {count} 个；较早的已略去'],
  ['a backup that was there is gone: {id}', '原有的备份已不存在：{id}'],
  ['a backup is not the one that was there: {id}', '备份与原先的不是同一个：{id}'],
  [
    'two backups have the number {sequence}: {first} and {second}; do two machines share a key?',
    '两个备份的序号都是 {sequence}：{first} 和 {second}；是否有两台机器共用一个密钥？',
  ],
  ['the manifest in {place} is another one', '{place} 中的清单与此不同'],
  ['there is no copy of it in {place}', '{place} 中没有它的副本'],
  ['{place}: {reason}; another place is used', '{place}：{reason}；改用另一处'],
  ['it has no copy of {id}', '其中没有 {id} 的副本'],
  // Pruning.
  ['{id} is kept: {reason}', '保留 {id}：{reason}'],
  ['it is dated in the future', '其日期在将来'],
  ['nothing is removed: the clock is behind the newest backup', '未删除任何内容：时钟早于最新的备份'],
  ['not pruned to the end: {reason}', '清理未完成：{reason}'],
  ['backups cannot be kept in {place}: {reason}', '无法在 {place} 保存备份：{reason}'],
  [
    '{id} does not count as verified: its file {file} is not there as it was',
    '{id} 不算已验证：其文件 {file} 与原先不符或已不存在',
  ],
  [
    'shared files are kept: nobody knows which ones {id} needs: {reason}',
    '保留共用的文件：无法得知 {id} 需要哪些：{reason}',
  ],
  // Verifying.
  ['the contents of the dump were not looked at', '未检查转储的内容'],
  // Schedules.
  [
    '{names}: set in this environment, secret, and not written into the schedule; put it into the configuration',
    '{names}：在当前环境中设置，属于机密，未写入计划；请写入配置',
  ],
  [
    'the line is longer than some crons take ({count} characters); use a configuration file',
    '该行超过某些 cron 的上限（{count} 个字符）；请使用配置文件',
  ],
  [
    'the timer was written and not started: {reason}. Next: {command}',
    '定时器已写入但未启动：{reason}。接下来请运行：{command}',
  ],
  ['the timer may still be running: {reason}', '定时器可能仍在运行：{reason}'],
  ['there is no systemctl', '没有 systemctl'],
  ['systemctl {verb} ended with {code}', 'systemctl {verb} 以 {code} 结束'],
  ['a scheduled backup failed and is tried again', '计划的备份失败，将重试'],
  ['a scheduled backup failed', '计划的备份失败'],
  ['the backup schedule waits', '备份计划暂停'],
  ['the state of backups cannot be written', '无法写入备份状态'],
  ['again at {time} UTC', '将于 {time} UTC 重试'],
];

const inChinese = translation(rows, phraseInChinese);

/** A sentence in the language of the run; what is in no table stays English. Places and IDs before it are names, and stay. */
export function said({ language }: Pick<Run, 'language'>, english: string): string {
  return language === 'zh' ? (afterNames(english, inChinese) ?? english) : english;
}
