/** The options of `chs dump show` that bring in what logs say around the crash. */
import { Option } from 'commander';
import { completed } from '../define.ts';
import { repeated } from './query-options.ts';

export function crashLogOptions(): Option[] {
  return [
    completed(
      repeated('--logs <path>', 'with the lines of the logs in this directory or file around the crash'),
      'file',
    ),
    new Option('--tz <zone>', 'zone of log times that name none, as Asia/Shanghai, or local (default: UTC)'),
    new Option('--before <seconds>', 'lines from so long before the crash (default: 60)'),
    new Option('--after <seconds>', 'lines up to so long after it (default: 10)'),
  ];
}
