/** What the browser draws: a histogram, the list of lines, and the lines around the one that is chosen. */
import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { printable } from '../../../src/platform/errors.ts';
import { sparkline } from '../sparkline.ts';
import type { BrowseRow, BrowseState } from './model.ts';

export interface Histogram {
  readonly counts: readonly number[];
  readonly errors: readonly number[];
  /** RFC 3339 of the first interval, and of the last event. */
  readonly from: string;
  readonly to: string;
}

export interface ScreenProps {
  readonly state: BrowseState;
  readonly histogram: Histogram | null;
  readonly context: readonly { readonly number: number; readonly text: string }[];
  readonly columns: number;
  readonly contextRows: number;
  readonly title: string;
  readonly shown: (file: string) => string;
}

/** Rows besides the list and the context: the title, three of the histogram, the rule, the status. */
export const FRAME_ROWS = 6;

const HELP = [
  'j k ↓ ↑          next, previous line',
  'space b PgDn PgUp  a page down, up',
  'g G Home End     first, last line',
  '/                find a text',
  'n N              next, previous line with it',
  'e E              next, previous error',
  'w W              next, previous warning',
  'q Ctrl-C         quit',
];

export function Screen(props: ScreenProps): ReactNode {
  const { state, columns, contextRows } = props;
  if (state.showsHelp) return <Help columns={columns} />;
  return (
    <Box flexDirection="column" width={columns}>
      <Text inverse wrap="truncate">
        {padded(` ${props.title}`, columns)}
      </Text>
      <Bars histogram={props.histogram} columns={columns} />
      <List {...props} />
      <Text dimColor wrap="truncate">
        {'─'.repeat(columns)}
      </Text>
      <Box flexDirection="column" height={contextRows}>
        {props.context.slice(0, contextRows).map(({ number, text }) => (
          <Text
            key={number}
            wrap="truncate"
            bold={number === state.rows[state.selected]?.lineNumber}
            dimColor={number !== state.rows[state.selected]?.lineNumber}
          >
            {lineText(`${number}  ${text}`, columns)}
          </Text>
        ))}
      </Box>
      <Status state={state} columns={columns} />
    </Box>
  );
}

function Help({ columns }: { readonly columns: number }): ReactNode {
  return (
    <Box flexDirection="column" width={columns}>
      {['Keys', '', ...HELP, '', 'Any key goes back.'].map((line) => (
        <Text key={line || 'empty'} wrap="truncate">
          {line}
        </Text>
      ))}
    </Box>
  );
}

function Bars({ histogram, columns }: Pick<ScreenProps, 'histogram' | 'columns'>): ReactNode {
  if (!histogram) return <Text dimColor>{'\n\n'}</Text>;
  const { counts, errors, from, to } = histogram;
  const gap = Math.max(1, columns - from.length - to.length);
  return (
    <>
      <Text wrap="truncate">{sparkline(counts)}</Text>
      <Text wrap="truncate" color="red">
        {sparkline(errors)}
      </Text>
      <Text wrap="truncate" dimColor>{`${from}${' '.repeat(gap)}${to}`}</Text>
    </>
  );
}

function List({ state, columns, shown }: ScreenProps): ReactNode {
  const rows = state.rows.slice(state.top, state.top + state.height);
  return (
    <Box flexDirection="column" height={state.height}>
      {rows.map((row, index) => {
        const at = state.top + index;
        return (
          <Text key={at} wrap="truncate" inverse={at === state.selected} {...colorOf(row)}>
            {lineText(`${shown(row.file)}:${row.lineNumber}  ${row.content}`, columns)}
          </Text>
        );
      })}
      {rows.length === 0 ? <Text dimColor>{state.hasMore ? 'Reading…' : 'No lines.'}</Text> : null}
    </Box>
  );
}

function colorOf({ level }: BrowseRow): { color?: string } {
  if (level === 'error' || level === 'fatal') return { color: 'red' };
  return level === 'warn' ? { color: 'yellow' } : {};
}

function Status({ state, columns }: Pick<ScreenProps, 'state' | 'columns'>): ReactNode {
  if (state.input !== null) return <Text wrap="truncate">{`/${state.input}█`}</Text>;
  const { rows, selected, hasMore, pending, message } = state;
  const place = rows.length === 0 ? '' : `${selected + 1} of ${rows.length}${hasMore ? '+' : ''}`;
  const words = pending ? 'looking…' : (message ?? '? keys  q quit');
  return (
    <Text dimColor wrap="truncate">
      {padded(`${place}  ${words}`, columns)}
    </Text>
  );
}

/** One row: no control characters, no more than can be seen. */
function lineText(text: string, columns: number): string {
  return printable(text.replaceAll('\t', '  '), columns * 2) || ' ';
}

function padded(text: string, columns: number): string {
  return text.slice(0, columns).padEnd(columns);
}
