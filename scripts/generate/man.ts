/** The manual pages: Markdown made of the command tree, turned into roff. */
import type { ConfigKeyDoc } from '../../config/sample.ts';
import type { CommandNode, OptionNode } from './tree.ts';

export interface ManPage {
  /** `chs-dump.1` */
  readonly file: string;
  readonly markdown: string;
}

const EXIT_STATUS = `## EXIT STATUS

* \`0\`: done
* \`1\`: a negative answer: nothing matches, a check did not hold
* \`2\`: a failure
* \`64\`: wrong usage
* \`130\`, \`143\`: stopped by Ctrl-C, by SIGTERM
`;

/** One page for the program and one for each group. */
export function commandPages(root: CommandNode): ManPage[] {
  const others = [...root.children.map((group) => `**chs-${group.path[0]}**(1)`), '**chs-config**(5)'];
  const overview = [
    `# chs(1) -- ${lowerFirst(root.summary)}`,
    '## SYNOPSIS',
    '**chs** *GROUP* [*VERB*] [*options*]',
    '## DESCRIPTION',
    'Every command works on the local data directory by itself, or on a server with **--server**. Data goes to standard output, words for people to standard error.',
    '## COMMANDS',
    ...root.children.map((group) => `* **chs ${group.path[0]}**: ${group.summary}`),
    '## OPTIONS',
    'Every command takes these.',
    ...root.options.map(optionItem),
    '## ENVIRONMENT',
    '* `CHS_SERVER`, `CHS_API_KEY`: the server to work on, and its key',
    '* `CHS_CONFIG`: the configuration file',
    '* `CHS_DATA_DIR`: where the data live when there is no configuration file',
    '* `CHS_SECTION_KEY`: any configuration key, as **chs-config**(5) lists them',
    '* `NO_COLOR`: no colours; `CHS_DEBUG=1`: the stacks of errors',
    EXIT_STATUS,
    '## SEE ALSO',
    others.join(', '),
  ];
  return [{ file: 'chs.1', markdown: paragraphs(overview) }, ...root.children.map(groupPage)];
}

function groupPage(group: CommandNode): ManPage {
  const name = `chs-${group.path[0]}`;
  const verbs = group.children.length > 0 ? group.children : [group];
  const lines = [
    `# ${name}(1) -- ${lowerFirst(group.summary)}`,
    '## SYNOPSIS',
    ...verbs.map(synopsis),
    ...verbs.flatMap((verb) => [
      verb === group ? '## DESCRIPTION' : `## chs ${verb.path.join(' ')}`,
      `${verb.description}.`.replace(/\.\.$/, '.'),
      ...verb.arguments.map((argument) => `* *${argument.name.toUpperCase()}*: ${argument.description}`),
      ...verb.options.filter((option) => !option.global).map(optionItem),
      'Examples:',
      `\`\`\`\n${verb.examples.join('\n')}\n\`\`\``,
    ]),
    '## OPTIONS',
    'The options that every command takes are in **chs**(1).',
    EXIT_STATUS,
    '## SEE ALSO',
    '**chs**(1), **chs-config**(5)',
  ];
  return { file: `${name}.1`, markdown: paragraphs(lines) };
}

/** The page of the configuration file: every key, read off the schema. */
export function configPage(keys: readonly ConfigKeyDoc[]): ManPage {
  const sections = [...new Set(keys.map(({ key }) => key.slice(0, key.indexOf('.'))))];
  const lines = [
    '# chs-config(5) -- the configuration of chs',
    '## SYNOPSIS',
    '*config/config.toml*, *chs.config.toml* (also yaml, json, js), *.chsrc*, the **chs** key of *package.json*',
    '## DESCRIPTION',
    'Looked for upward from the current directory, then in the user’s configuration directory; **--config** and `CHS_CONFIG` name one. Defaults come first, then the file, then the environment, then options. Relative paths start at the project that the file belongs to.',
    ...sections.flatMap((section) => [
      `## [${section}]`,
      ...keys.filter(({ key }) => key.startsWith(`${section}.`)).map((doc) => keyItem(doc, section)),
    ]),
    '## SEE ALSO',
    '**chs**(1), **chs-serve**(1). `chs config init` writes a file with every key, `chs config show --origin` says where each value comes from.',
  ];
  return { file: 'chs-config.5', markdown: paragraphs(lines) };
}

function keyItem(doc: ConfigKeyDoc, section: string): string {
  const marks = [
    doc.default === '' ? 'no default' : `default \`${doc.default}\``,
    `\`${doc.env}\``,
    ...(doc.secret ? ['secret'] : []),
    ...(doc.inert ? ['accepted, not used by this version'] : []),
  ];
  return `* **${doc.key.slice(section.length + 1)}**: ${doc.description} Takes ${doc.type}; ${marks.join('; ')}.`;
}

function synopsis(verb: CommandNode): string {
  const positionals = verb.arguments.map(({ name, required, variadic }) => {
    const text = `*${name.toUpperCase()}*${variadic ? '...' : ''}`;
    return required ? text : `[${text}]`;
  });
  return [`**chs ${verb.path.join(' ')}**`, ...positionals, '[*options*]'].join(' ');
}

function optionItem(option: OptionNode): string {
  const names = [option.short, option.long].filter((name) => name !== null).map((name) => `**${name}**`);
  const value = option.value === null ? '' : ` *${option.value.replace(/[<>[\]]/g, '')}*`;
  const choices = option.choices.length > 0 ? ` One of ${option.choices.join(', ')}.` : '';
  const fallback = option.defaultText === null ? '' : ` Default: ${option.defaultText}.`;
  return `* ${names.join(', ')}${value}: ${option.description}.${choices}${fallback}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function paragraphs(lines: readonly string[]): string {
  return `${lines.join('\n\n')}\n`;
}
