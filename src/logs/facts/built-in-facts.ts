/** The fact rules that are always there. */
import type { FactRule } from './rules.ts';

type Row = readonly [name: string, pattern: string, fields?: readonly string[]];

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

const rows: readonly Row[] = [
  [
    'http_request',
    '\\b(GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|CONNECT|TRACE)\\s+((?:https?://|/)[^\\s"\']*)(?:\\s+HTTP/\\d(?:\\.\\d)?)?["\']?(?:\\s+(?:->|=>|-|:)?\\s*([1-5]\\d\\d)\\b)?',
    ['method', 'path', 'status'],
  ],
  [
    'http_status',
    '(?i:\\bhttp[ _-]?status|\\bstatus[ _-]?code|\\bresponse[ _-]?code|\\bhttp/\\d(?:\\.\\d)?|\\bhttp_code|状态码)["\']?\\s{0,2}[:=：]?\\s{0,2}["\']?([1-5]\\d\\d)\\b',
    ['status'],
  ],
  ['http_status', '(?i:\\bstatus)["\']?\\s{0,2}[:=]\\s{0,2}["\']?([1-5]\\d\\d)\\b', ['status']],
  // Java and .NET with their packages, Python and JavaScript without.
  [
    'exception',
    '\\b((?:[A-Za-z_$][\\w$]*\\.)*[A-Z][\\w$]*(?:Exception|Error|Throwable|Interrupt|Panic))\\b(?::\\s*(\\S.{0,299}))?',
    ['class', 'message'],
  ],
  ['exception', 'terminate called after throwing an instance of [\'"`]([^\'"`]{1,200})', ['class']],
  [
    'exception',
    '\\b(std::(?:\\w+_error|bad_\\w+|out_of_range|\\w+_exception|exception|invalid_argument|domain_error))\\b',
    ['class'],
  ],
  [
    'exit_code',
    '(?i:\\bexit(?:ed)?(?:[ _-]?(?:code|status|value))?|\\breturn(?:ed)?[ _-](?:code|status)|退出码|返回码)(?: with)?(?: (?:code|status|value|exit code))?["\']?\\s{0,2}[:=：]?\\s{0,2}(-?\\d{1,10}|0x[0-9a-fA-F]{1,8})\\b',
    ['code'],
  ],
  ['signal', '(?i:\\bsignal)\\s{0,2}[:=#]?\\s{0,2}(\\d{1,2}|SIG[A-Z]{2,8}\\d*)\\b', ['signal']],
  [
    'signal',
    '\\b(SIG(?:SEGV|ABRT|KILL|TERM|BUS|ILL|FPE|PIPE|HUP|INT|QUIT|TRAP|SYS|XCPU|XFSZ|USR1|USR2))\\b',
    ['signal'],
  ],
  [
    'endpoint',
    `(?:^|[^\\w.])(${octet}(?:\\.${octet}){3})(?::(\\d{1,5}))?(?:$|[^\\w.]|\\.(?:$|\\s))`,
    ['ip', 'port'],
  ],
  ['endpoint', '\\[([0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})\\](?::(\\d{1,5}))?', ['ip', 'port']],
  [
    'duration',
    '(?:^|[^\\w.-])(\\d{1,15}(?:\\.\\d{1,9})?)\\s?(ns|us|ms|s|secs?|seconds?|millis(?:econds)?|milliseconds?|mins?|minutes?|hrs?|hours?)\\b',
    ['value', 'unit'],
  ],
  // RE2 takes only Latin letters for the letters of \b.
  [
    'duration',
    '(?:^|[^\\w.-])(\\d{1,15}(?:\\.\\d{1,9})?)\\s?(µs|μs|毫秒|微秒|纳秒|秒|分钟|小时)',
    ['value', 'unit'],
  ],
  ['hresult', '\\b(0x[89cC][0-9a-fA-F]{7})\\b', ['code']],
  ['errno', '(?i:\\berrno)\\s{0,2}[:=(]?\\s{0,2}(-?\\d{1,5})\\b', ['errno']],
  [
    'errno',
    '\\b(E(?:CONNREFUSED|CONNRESET|CONNABORTED|TIMEDOUT|HOSTUNREACH|NETUNREACH|ADDRINUSE|ADDRNOTAVAIL|PIPE|ACCES|PERM|NOENT|EXIST|MFILE|NFILE|NOSPC|NOMEM|AGAIN|BUSY|INTR|INVAL|IO|ROFS|XDEV|NOTFOUND|AI_AGAIN))\\b',
    ['errno'],
  ],
  [
    'error_code',
    '(?i:\\berr(?:or)?[ _-]?(?:code|no|number|num|id)|\\bfault[ _-]?code|\\berror|错误(?:代码|码|号)?)["\']?\\s{0,2}[:=#(：]?\\s{0,2}["\']?((?:[A-Z][A-Z0-9]{0,8}[-_]?)?\\d{2,10}|0x[0-9a-fA-F]{1,16})\\b',
    ['code'],
  ],
  [
    'error_code',
    '\\b((?:ORA|TNS|PLS|SQL|SQLSTATE|CVE|MSB|CS|LNK|C|E|TS|NU|AADSTS)-?\\d{4,7}(?:-\\d+)?)\\b',
    ['code'],
  ],
  [
    'oom_kill',
    '(?i:out of memory: kill(?:ed)? process)\\s+(\\d+)\\s+\\(([^)]{1,100})\\)(?:.*?anon-rss:(\\d+kB))?',
    ['pid', 'process', 'anon_rss'],
  ],
  ['oom_kill', '\\boom-kill:.*?\\btask=([^,\\s]{1,100}),pid=(\\d+)', ['process', 'pid']],
  ['oom_kill', '(?i:\\b(oomkilled|invoked oom-killer)\\b)', ['event']],
  [
    'segfault',
    '([^\\s:\\[]{1,100})\\[(\\d+)\\]: segfault at ([0-9a-fA-F]+) ip ([0-9a-fA-F]+) sp ([0-9a-fA-F]+) error (\\d+)(?: in ([^\\[\\s]+))?',
    ['process', 'pid', 'address', 'ip', 'sp', 'error', 'module'],
  ],
  [
    'segfault',
    '(?i:access violation|segmentation fault|general protection fault|访问冲突|段错误)(?:[^0-9\\n]{0,40}?(0x[0-9a-fA-F]{1,16}|\\b[0-9A-F]{8,16}\\b))?',
    ['address'],
  ],
  [
    'id',
    '(?i:\\b(user|session|request|req|trace|span|correlation|transaction|tx|order|device|client|customer|message|job|task|thread)[_ -]?id)["\']?\\s{0,2}[:=：]\\s{0,2}["\']?([\\w.:@-]{1,128})',
    ['kind', 'id'],
  ],
  [
    'id',
    '(用户|会话|请求|订单|设备|任务)(?i:\\s?(?:id|编号|号))\\s{0,2}[:=：]?\\s{0,2}([\\w.:@-]{1,128})',
    ['kind', 'id'],
  ],
  [
    'version',
    '(?i:\\bversion|\\bver|\\bbuild|\\brelease|版本号?)["\']?\\s{0,2}[:=：/]?\\s{0,2}["\']?v?(\\d{1,6}(?:\\.\\d{1,6}){1,3}(?:[-+][\\w.+-]{1,60})?)',
    ['version'],
  ],
  ['version', '\\bv(\\d{1,6}(?:\\.\\d{1,6}){1,3}(?:[-+][\\w.+-]{1,60})?)\\b', ['version']],
];

/** Several rules of one name are several ways to write the same. */
export const builtInFactRules: readonly FactRule[] = rows.map(([name, pattern, fields = []]) => ({
  ...{ name, pattern, fields, source: 'built-in' },
}));
