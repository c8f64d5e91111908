/** The redaction rules that are always there: what is a secret wherever it stands. */
import { type BuiltInRedaction, type Groups, isKeyBody } from './redact.ts';

const secretWords = [
  'pass(?:word|wd|phrase|code)?',
  'pwd|\\bpw|secret|token|jwt|credentials?|authkey|sig|signature',
  '(?:api|access|account|private|secret|signing|encryption|master|shared|auth|session|subscription)[_-]?(?:access[_-]?)?key(?:[_-]?id)?',
  '密码|口令|密钥|令牌',
].join('|');

/** A key that ends in a secret's name, its sign, and the value: in quotes, in quotes inside of quotes, or bare. */
const secretField = [
  `((?i:[\\w.-]*(?:${secretWords}))(?:\\\\*["'])?\\s{0,3}(?:=>|:=|=|:|：|%3[Dd])\\s{0,3}\\[?)`,
  '("(?:[^"\\\\]|\\\\.)*"|\'(?:[^\'\\\\]|\\\\.)*\'|\\\\+"[^"\\\\]*\\\\+"|[^\\s&;"\'<>\\\\]+)',
].join('');

/** What stands where there is no secret, or where somebody has taken it out already. */
const noSecret =
  /^(?:null|nil|none|true|false|undefined|empty|missing|yes|no|\*+|x{3,}|\.{3}|<(?:redacted|filtered|hidden|masked|removed|secret|none|null|empty|unset)>|\$\{[^}]*\}?|\{\{[^}]*\}*|\[?redacted.*|\(null\)|-|0)?$/iu;

/** How Java and Android print an object: its class and its address. */
const isObject =
  /^(?:[a-z]\w*\.)*\w*(?:Token|Key|Credentials?|Proxy)(?:[{([][0-9a-f]{1,8}|@[0-9a-f]{1,16})$/u;

/** Always applied, after those of redact.d; a rule there with the same name takes the place of one of these. */
export const builtInRedactions: readonly BuiltInRedaction[] = [
  {
    name: 'private_key',
    hint: /-----BEGIN /u,
    pattern:
      '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\\s\\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)',
    replace: () => '[REDACTED:private_key]',
  },
  {
    // A line of a key's body that stands alone, as a hit or its context may: mixed letters and digits of 64 or 70.
    name: 'private_key_body',
    hint: /^\s*[A-Za-z0-9+/]{64}/u,
    pattern: '^(\\s*)([A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})$',
    replace: ([, indent = '', body = '']) =>
      isKeyBody(body) ? `${indent}[REDACTED:private_key_body]` : null,
  },
  {
    name: 'url_password',
    hint: /:\/\//u,
    pattern: '\\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\\s:/?#"\'<>@]{0,256}):([^\\s/"\'<>]{1,512})@',
    replace: ([, scheme = '', user = '']) => `${scheme}${user}:[REDACTED:url_password]@`,
  },
  {
    // Of these schemes every parameter counts, and they stand in quotes.
    name: 'authorization',
    hint: /authorization|x-a/iu,
    pattern:
      '((?i:\\bauthorization)(?:\\\\*["\'])?\\s{0,3}[:=]\\s{0,3}\\\\*["\']?(?i:digest|aws4-hmac-sha256)\\s+)([^\\r\\n]+)',
    replace: ([, head = '']) => `${head}[REDACTED:authorization]`,
  },
  {
    name: 'authorization',
    hint: /authorization|x-a/iu,
    pattern:
      '((?i:authorization|x-api-key|x-auth-token|x-amz-security-token)(?:\\\\*["\'])?\\s{0,3}[:=]\\s{0,3}\\\\*["\'\\[]?)((?i:basic|bearer|token|negotiate|apikey)\\s+)?([^\\s"\'\\\\,\\]]+)',
    replace: ([, head = '', scheme = '', value = '']) => {
      // Without a scheme, prose may follow: "authorization: denied for bob".
      if (scheme === '' && !/^x-/iu.test(head) && !/\d/u.test(value)) return null;
      return noSecret.test(value) ? null : `${head}${scheme}[REDACTED:authorization]`;
    },
  },
  {
    name: 'cookie',
    hint: /cookie/iu,
    pattern:
      '((?i:\\b(?:set-)?cookie)(?:\\\\*["\'])?\\s{0,3}[:=]\\s{0,3}\\\\*["\'\\[]?)([^\\s"\'\\\\=]{1,200}=[^"\'\\\\\\]\\r\\n]+)',
    replace: ([, head = '']) => `${head}[REDACTED:cookie]`,
  },
  {
    name: 'bearer_token',
    hint: /bearer/iu,
    pattern: '((?i:\\bbearer)\\s+)([A-Za-z0-9._~+/-]{8,}=*)',
    replace: ([, head = '', token = '']) =>
      /\d/u.test(token) || token.length >= 20 ? `${head}[REDACTED:bearer_token]` : null,
  },
  {
    name: 'jwt',
    hint: /eyJ/u,
    pattern: '\\beyJ[A-Za-z0-9_-]{5,}\\.[A-Za-z0-9_-]{5,}(?:\\.[A-Za-z0-9_-]*)?',
    replace: () => '[REDACTED:jwt]',
  },
  {
    name: 'aws_key',
    hint: /A[A-Z]{2}A/u,
    pattern: '\\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{16}\\b',
    replace: () => '[REDACTED:aws_key]',
  },
  {
    // GitHub, GitLab, Slack, Google, Stripe, npm, OpenAI, Hugging Face.
    name: 'api_token',
    hint: /gh[opsur]_|github_pat_|glpat-|xox[abposr]-|AIza|[spr]k_|npm_|sk-|hf_/u,
    pattern:
      '\\b(?:gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\\w{30,}|glpat-[\\w-]{20,}|xox[abposr]-[\\w-]{10,}|AIza[\\w-]{35}|[spr]k_(?:live|test)_\\w{16,}|npm_[A-Za-z0-9]{30,}|sk-[\\w-]{20,}|hf_[A-Za-z0-9]{30,})',
    replace: () => '[REDACTED:api_token]',
  },
  {
    name: 'secret_field',
    hint: /pass|pwd|\bpw|secret|token|jwt|credential|key|sig|密码|口令|密钥|令牌/iu,
    pattern: secretField,
    replace: secretFieldOf,
  },
  {
    name: 'secret_option',
    hint: /--?[a-z]/iu,
    pattern: `(--?(?i:(?:[a-z]+-)?(?:password|passwd|passphrase|secret|token|api-key|access-key|secret-key))\\s+)("[^"]*"|'[^']*'|[^\\s"'-]\\S*)`,
    replace: ([, head = '']) => `${head}[REDACTED:secret_option]`,
  },
  {
    name: 'secret_element',
    hint: /<\//u,
    pattern: `(<(?i:[\\w:.-]*(?:${secretWords}))(?:\\s[^<>]*)?>)([^<]+)(</)`,
    replace: ([, head = '', value = '', tail = '']) =>
      noSecret.test(value.trim()) ? null : `${head}[REDACTED:secret_element]${tail}`,
  },
  {
    name: 'sql_password',
    hint: /identified|password/iu,
    pattern: '((?i:\\bidentified\\s+by|\\bwith\\s+(?:encrypted\\s+)?password)\\s+)(\'[^\']*\'|"[^"]*")',
    replace: ([, head = '']) => `${head}'[REDACTED:sql_password]'`,
  },
  {
    // Visa, Mastercard, American Express, Discover. What Luhn's sum denies is some other number.
    name: 'card_number',
    hint: /\d{4}/u,
    pattern:
      '(^|[^\\w.-])((?:4\\d{3}|5[1-5]\\d{2}|2[2-7]\\d{2}|6(?:011|5\\d{2}))(?:[ -]?\\d{4}){3}|3[47]\\d{2}[ -]?\\d{6}[ -]?\\d{5})\\b',
    replace: ([, before = '', card = '']) => (isLuhn(card) ? `${before}[REDACTED:card_number]` : null),
  },
];

function secretFieldOf([, head = '', value = '']: Groups): string | null {
  const opening = /^\\*["']/u.exec(value)?.[0] ?? '';
  if (opening) {
    const inside = value.slice(opening.length, value.length - opening.length);
    return noSecret.test(inside) ? null : `${head}${opening}[REDACTED:secret_field]${opening}`;
  }
  // A bare value ends at a comma that begins another field, and without the brackets that close what it stands in.
  const bare = value.replace(/,(?=[\w.-]+[=:]).*$/u, '').replace(/[)\]},.]+$/u, '');
  const rest = value.slice(bare.length);
  if (noSecret.test(bare)) return null;
  // "unexpected token: end", "signature: invalid": prose, where a secret would have a digit or be long.
  if (/(?:token|sig|signature)\s{0,3}[:：]\s{1,3}$/iu.test(head) && bare.length < 16 && !/\d/u.test(bare))
    return null;
  // "pass: 12, fail: 3" counts.
  if (/pass\s{0,3}[:=]\s{0,3}$/iu.test(head) && /^\d{1,5}$/u.test(bare)) return null;
  // bypass=7, wtoken=x: the end of another word.
  if (/[a-z](?:pass|token|sig|pwd)\\*["']?\s{0,3}[:=：]\s{0,3}$/u.test(head)) return null;
  if (isObject.test(bare)) return null;
  // "Authorization: Bearer x" and "token=Bearer x" have lost their secret by now.
  if (/^(?:bearer|basic)$/iu.test(bare)) return null;
  return `${head}[REDACTED:secret_field]${rest}`;
}

/** ISO/IEC 7812-1, annex B. */
function isLuhn(card: string): boolean {
  let sum = 0;
  let double = false;
  for (let at = card.length - 1; at >= 0; at -= 1) {
    const code = card.charCodeAt(at);
    if (code < 48 || code > 57) continue;
    const digit = (code - 48) * (double ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
    double = !double;
  }
  return sum % 10 === 0;
}
