# Completion of chs for bash; generated, do not edit.
# Load it with: source <(cat completions/chs.bash), or install it as chs in bash-completion's folder.

_chs() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' skip='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      --after|--after-context|--annotation|--any|--before|--before-context|--buckets|--close|--config|--context|--count|--db|--encoding|--end-time|--exception-address|--exception-code|--exclude|--exe-age|--exe-filename|--exe-guid|--exe-version|--expires|--format|--globs|--guid|--hint|--hit|--host|--ignore|--include|--install|--jobs|--json-any|--json-must|--json-none|--keep-days|--keep-last|--key-file|--lang|--limit|--logs|--max-age|--max-hits|--max-size|--must|--name|--none|--only|--order|--output|--page|--page-size|--pdb-filename|--pid|--port|--print|--product|--q|--regex|--retries|--rule|--schedule|--scope|--scratch|--server|--session|--signature|--since|--start-time|--summary|--tid|--time-field|--timeout|--timestamp|--timezone|--to|--token-file|--top|--trend-days|--types|--tz|--uninstall|--until|--version|--wait-timeout|-A|-B|-C|-V|-e|-g|-j|-m|-n|-o|-p) skip=1 ;;
      -*) ;;
      *) case "${path:+$path }$word" in 'dump'|'dump upload'|'dump list'|'dump download'|'dump delete'|'dump show'|'dump open'|'dump explain'|'dump modules'|'dump top'|'dump watch'|'dump prune'|'pdb'|'pdb upload'|'pdb list'|'pdb download'|'pdb delete'|'pdb show'|'pdb match'|'pdb wanted'|'exe'|'exe upload'|'exe list'|'exe download'|'exe delete'|'exe show'|'symbols'|'symbols check'|'symbols export'|'symbols import'|'logs'|'logs search'|'logs explain'|'logs stats'|'logs patterns'|'logs browse'|'logs show'|'logs regex'|'logs open'|'logs formats'|'logs facts'|'logs remember'|'logs forget'|'logs timeline'|'logs report'|'logs sessions'|'mcp'|'backup'|'backup create'|'backup list'|'backup show'|'backup verify'|'backup restore'|'backup prune'|'backup pull'|'backup drill'|'backup cron'|'serve'|'token'|'token create'|'token list'|'token revoke'|'config'|'config init'|'config show'|'config check'|'config schema'|'doctor'|'demo') path="${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path $prev" in
    ' --server') :; return ;;
    ' --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump --server') :; return ;;
    'dump --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump upload --timestamp') :; return ;;
    'dump upload --exe-version') :; return ;;
    'dump upload --exe-guid') :; return ;;
    'dump upload --exe-age') :; return ;;
    'dump upload --pid') :; return ;;
    'dump upload --tid') :; return ;;
    'dump upload --exception-code') :; return ;;
    'dump upload --exception-address') :; return ;;
    'dump upload --annotation') :; return ;;
    'dump upload -j'|'dump upload --jobs') :; return ;;
    'dump upload --retries') :; return ;;
    'dump upload --wait-timeout') :; return ;;
    'dump upload --summary') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump upload --server') :; return ;;
    'dump upload --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump upload --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump upload --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump list -V'|'dump list --version') :; return ;;
    'dump list -g'|'dump list --guid') :; return ;;
    'dump list --start-time') :; return ;;
    'dump list --end-time') :; return ;;
    'dump list --exception-code') :; return ;;
    'dump list --signature') :; return ;;
    'dump list --annotation') :; return ;;
    'dump list --q') :; return ;;
    'dump list -p'|'dump list --page') :; return ;;
    'dump list -n'|'dump list --page-size') :; return ;;
    'dump list --server') :; return ;;
    'dump list --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump list --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump list --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump download -o'|'dump download --output') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump download --server') :; return ;;
    'dump download --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump download --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump download --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump delete --server') :; return ;;
    'dump delete --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump delete --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump delete --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump show --logs') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump show --tz') :; return ;;
    'dump show --before') :; return ;;
    'dump show --after') :; return ;;
    'dump show --server') :; return ;;
    'dump show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump open -o'|'dump open --output') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'dump open --server') :; return ;;
    'dump open --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump open --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump open --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump explain --server') :; return ;;
    'dump explain --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump explain --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump explain --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump modules --server') :; return ;;
    'dump modules --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump modules --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump modules --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump top --start-time') :; return ;;
    'dump top --end-time') :; return ;;
    'dump top -V'|'dump top --version') :; return ;;
    'dump top --trend-days') :; return ;;
    'dump top -n'|'dump top --limit') :; return ;;
    'dump top --server') :; return ;;
    'dump top --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump top --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump top --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump watch --after') :; return ;;
    'dump watch --types') :; return ;;
    'dump watch --count') :; return ;;
    'dump watch --timeout') :; return ;;
    'dump watch --server') :; return ;;
    'dump watch --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump watch --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump watch --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'dump prune --max-age') :; return ;;
    'dump prune --max-size') :; return ;;
    'dump prune --server') :; return ;;
    'dump prune --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump prune --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'dump prune --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb --server') :; return ;;
    'pdb --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb upload --exe-version') :; return ;;
    'pdb upload --exe-guid') :; return ;;
    'pdb upload --exe-age') :; return ;;
    'pdb upload --pdb-filename') :; return ;;
    'pdb upload -j'|'pdb upload --jobs') :; return ;;
    'pdb upload --retries') :; return ;;
    'pdb upload --wait-timeout') :; return ;;
    'pdb upload --summary') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb upload --server') :; return ;;
    'pdb upload --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb upload --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb upload --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb list -V'|'pdb list --version') :; return ;;
    'pdb list -g'|'pdb list --guid') :; return ;;
    'pdb list --name') :; return ;;
    'pdb list -p'|'pdb list --page') :; return ;;
    'pdb list -n'|'pdb list --page-size') :; return ;;
    'pdb list --server') :; return ;;
    'pdb list --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb list --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb list --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb download -o'|'pdb download --output') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb download --server') :; return ;;
    'pdb download --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb download --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb download --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb delete --server') :; return ;;
    'pdb delete --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb delete --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb delete --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb show --server') :; return ;;
    'pdb show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb match --server') :; return ;;
    'pdb match --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb match --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb match --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'pdb wanted -n'|'pdb wanted --limit') :; return ;;
    'pdb wanted --server') :; return ;;
    'pdb wanted --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb wanted --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'pdb wanted --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe --server') :; return ;;
    'exe --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe upload --exe-version') :; return ;;
    'exe upload --exe-guid') :; return ;;
    'exe upload --exe-filename') :; return ;;
    'exe upload -j'|'exe upload --jobs') :; return ;;
    'exe upload --retries') :; return ;;
    'exe upload --wait-timeout') :; return ;;
    'exe upload --summary') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe upload --server') :; return ;;
    'exe upload --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe upload --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe upload --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe list -V'|'exe list --version') :; return ;;
    'exe list -g'|'exe list --guid') :; return ;;
    'exe list --name') :; return ;;
    'exe list -p'|'exe list --page') :; return ;;
    'exe list -n'|'exe list --page-size') :; return ;;
    'exe list --server') :; return ;;
    'exe list --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe list --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe list --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe download -o'|'exe download --output') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe download --server') :; return ;;
    'exe download --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe download --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe download --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe delete --server') :; return ;;
    'exe delete --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe delete --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe delete --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'exe show --server') :; return ;;
    'exe show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'exe show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'symbols --server') :; return ;;
    'symbols --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'symbols check --ignore') :; return ;;
    'symbols check -j'|'symbols check --jobs') :; return ;;
    'symbols check --retries') :; return ;;
    'symbols check --server') :; return ;;
    'symbols check --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols check --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols check --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'symbols export -V'|'symbols export --version') :; return ;;
    'symbols export --name') :; return ;;
    'symbols export --since') :; return ;;
    'symbols export --product') :; return ;;
    'symbols export -j'|'symbols export --jobs') :; return ;;
    'symbols export --retries') :; return ;;
    'symbols export --server') :; return ;;
    'symbols export --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols export --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols export --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'symbols import -j'|'symbols import --jobs') :; return ;;
    'symbols import --retries') :; return ;;
    'symbols import --wait-timeout') :; return ;;
    'symbols import --summary') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols import --server') :; return ;;
    'symbols import --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols import --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'symbols import --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs --server') :; return ;;
    'logs --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs search --must') :; return ;;
    'logs search --any') :; return ;;
    'logs search --none') :; return ;;
    'logs search -e'|'logs search --regex') :; return ;;
    'logs search --since') :; return ;;
    'logs search --until') :; return ;;
    'logs search --json-must') :; return ;;
    'logs search --json-any') :; return ;;
    'logs search --json-none') :; return ;;
    'logs search --time-field') :; return ;;
    'logs search --include') :; return ;;
    'logs search --exclude') :; return ;;
    'logs search -C'|'logs search --context') :; return ;;
    'logs search -A'|'logs search --after-context') :; return ;;
    'logs search -B'|'logs search --before-context') :; return ;;
    'logs search -m'|'logs search --max-hits') :; return ;;
    'logs search --encoding') :; return ;;
    'logs search --tz') :; return ;;
    'logs search --session') :; return ;;
    'logs search --server') :; return ;;
    'logs search --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs search --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs search --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs explain --must') :; return ;;
    'logs explain --any') :; return ;;
    'logs explain --none') :; return ;;
    'logs explain -e'|'logs explain --regex') :; return ;;
    'logs explain --since') :; return ;;
    'logs explain --until') :; return ;;
    'logs explain --json-must') :; return ;;
    'logs explain --json-any') :; return ;;
    'logs explain --json-none') :; return ;;
    'logs explain --time-field') :; return ;;
    'logs explain --include') :; return ;;
    'logs explain --exclude') :; return ;;
    'logs explain --encoding') :; return ;;
    'logs explain --tz') :; return ;;
    'logs explain --session') :; return ;;
    'logs explain --server') :; return ;;
    'logs explain --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs explain --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs explain --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs stats --must') :; return ;;
    'logs stats --any') :; return ;;
    'logs stats --none') :; return ;;
    'logs stats -e'|'logs stats --regex') :; return ;;
    'logs stats --since') :; return ;;
    'logs stats --until') :; return ;;
    'logs stats --json-must') :; return ;;
    'logs stats --json-any') :; return ;;
    'logs stats --json-none') :; return ;;
    'logs stats --time-field') :; return ;;
    'logs stats --include') :; return ;;
    'logs stats --exclude') :; return ;;
    'logs stats --buckets') :; return ;;
    'logs stats --top') :; return ;;
    'logs stats --encoding') :; return ;;
    'logs stats --tz') :; return ;;
    'logs stats --session') :; return ;;
    'logs stats --server') :; return ;;
    'logs stats --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs stats --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs stats --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs patterns --must') :; return ;;
    'logs patterns --any') :; return ;;
    'logs patterns --none') :; return ;;
    'logs patterns -e'|'logs patterns --regex') :; return ;;
    'logs patterns --since') :; return ;;
    'logs patterns --until') :; return ;;
    'logs patterns --json-must') :; return ;;
    'logs patterns --json-any') :; return ;;
    'logs patterns --json-none') :; return ;;
    'logs patterns --time-field') :; return ;;
    'logs patterns --include') :; return ;;
    'logs patterns --exclude') :; return ;;
    'logs patterns -n'|'logs patterns --limit') :; return ;;
    'logs patterns --order') COMPREPLY=($(compgen -W 'count rare first_seen last_seen' -- "$cur")); return ;;
    'logs patterns --encoding') :; return ;;
    'logs patterns --tz') :; return ;;
    'logs patterns --session') :; return ;;
    'logs patterns --server') :; return ;;
    'logs patterns --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs patterns --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs patterns --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs browse --must') :; return ;;
    'logs browse --any') :; return ;;
    'logs browse --none') :; return ;;
    'logs browse -e'|'logs browse --regex') :; return ;;
    'logs browse --since') :; return ;;
    'logs browse --until') :; return ;;
    'logs browse --json-must') :; return ;;
    'logs browse --json-any') :; return ;;
    'logs browse --json-none') :; return ;;
    'logs browse --time-field') :; return ;;
    'logs browse --include') :; return ;;
    'logs browse --exclude') :; return ;;
    'logs browse --encoding') :; return ;;
    'logs browse --tz') :; return ;;
    'logs browse --session') :; return ;;
    'logs browse --server') :; return ;;
    'logs browse --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs browse --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs browse --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs show -C'|'logs show --context') :; return ;;
    'logs show --encoding') :; return ;;
    'logs show --tz') :; return ;;
    'logs show --session') :; return ;;
    'logs show --server') :; return ;;
    'logs show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs regex --server') :; return ;;
    'logs regex --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs regex --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs regex --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs open --hint') :; return ;;
    'logs open --globs') :; return ;;
    'logs open --encoding') :; return ;;
    'logs open --tz') :; return ;;
    'logs open --server') :; return ;;
    'logs open --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs open --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs open --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs formats --encoding') :; return ;;
    'logs formats --tz') :; return ;;
    'logs formats --session') :; return ;;
    'logs formats --server') :; return ;;
    'logs formats --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs formats --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs formats --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs facts --session') :; return ;;
    'logs facts --rule') :; return ;;
    'logs facts --hit') :; return ;;
    'logs facts --server') :; return ;;
    'logs facts --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs facts --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs facts --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs remember --session') :; return ;;
    'logs remember --server') :; return ;;
    'logs remember --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs remember --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs remember --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs forget --session') :; return ;;
    'logs forget --server') :; return ;;
    'logs forget --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs forget --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs forget --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs timeline --session') :; return ;;
    'logs timeline --tz') :; return ;;
    'logs timeline -n'|'logs timeline --limit') :; return ;;
    'logs timeline --server') :; return ;;
    'logs timeline --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs timeline --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs timeline --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs report --session') :; return ;;
    'logs report --format') COMPREPLY=($(compgen -W 'markdown json' -- "$cur")); return ;;
    'logs report --tz') :; return ;;
    'logs report -o'|'logs report --output') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs report --server') :; return ;;
    'logs report --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs report --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs report --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'logs sessions --limit') :; return ;;
    'logs sessions --close') :; return ;;
    'logs sessions --server') :; return ;;
    'logs sessions --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs sessions --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'logs sessions --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'mcp --server') :; return ;;
    'mcp --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'mcp --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'mcp --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup --server') :; return ;;
    'backup --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup create --to') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'backup create --server') :; return ;;
    'backup create --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup create --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup create --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup list --server') :; return ;;
    'backup list --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup list --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup list --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup show --server') :; return ;;
    'backup show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup verify --server') :; return ;;
    'backup verify --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup verify --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup verify --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup restore --to') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup restore --only') :; return ;;
    'backup restore --server') :; return ;;
    'backup restore --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup restore --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup restore --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup prune --keep-days') :; return ;;
    'backup prune --keep-last') :; return ;;
    'backup prune --server') :; return ;;
    'backup prune --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup prune --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup prune --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup pull --db') :; return ;;
    'backup pull --to') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup pull --token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup pull --server') :; return ;;
    'backup pull --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup pull --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup pull --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup drill --scratch') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'backup drill --server') :; return ;;
    'backup drill --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup drill --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup drill --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'backup cron --schedule') :; return ;;
    'backup cron --timezone') :; return ;;
    'backup cron --print') COMPREPLY=($(compgen -W 'crontab systemd' -- "$cur")); return ;;
    'backup cron --install') COMPREPLY=($(compgen -W 'crontab systemd' -- "$cur")); return ;;
    'backup cron --uninstall') COMPREPLY=($(compgen -W 'crontab systemd' -- "$cur")); return ;;
    'backup cron --server') :; return ;;
    'backup cron --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup cron --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'backup cron --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'serve --host') :; return ;;
    'serve --port') :; return ;;
    'serve --server') :; return ;;
    'serve --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'serve --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'serve --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'token --server') :; return ;;
    'token --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'token create --name') :; return ;;
    'token create --scope') COMPREPLY=($(compgen -W 'symbols submit read write admin' -- "$cur")); return ;;
    'token create --expires') :; return ;;
    'token create --server') :; return ;;
    'token create --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token create --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token create --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'token list --server') :; return ;;
    'token list --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token list --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token list --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'token revoke --server') :; return ;;
    'token revoke --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token revoke --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'token revoke --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'config --server') :; return ;;
    'config --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'config init --server') :; return ;;
    'config init --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config init --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config init --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'config show --server') :; return ;;
    'config show --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config show --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config show --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'config check --server') :; return ;;
    'config check --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config check --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config check --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'config schema --server') :; return ;;
    'config schema --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config schema --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'config schema --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'doctor --server') :; return ;;
    'doctor --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'doctor --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'doctor --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
    'demo --server') :; return ;;
    'demo --key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'demo --config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'demo --lang') COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
  esac
  case $path in
    '')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'dump pdb exe symbols logs mcp backup serve token config doctor demo' -- "$cur")); fi ;;
    'dump')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'upload list download delete show open explain modules top watch prune' -- "$cur")); fi ;;
    'dump upload')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--timestamp --exe-version --exe-guid --exe-age --pid --tid --exception-code --exception-address --annotation -j --jobs --retries --wait --wait-timeout --summary --fail-on-mismatch --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'dump list')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-V --version -g --guid --start-time --end-time --exception-code --signature --debuggable --no-debuggable --annotation --q -p --page -n --page-size --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump download')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-o --output -f --force --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump delete')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-y --yes --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-a --all --logs --tz --before --after --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'dump open')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-o --output --zip -f --force --start --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'dump explain')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'dump modules')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump top')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--start-time --end-time -V --version --trend-days -n --limit --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump watch')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--after --types --count --timeout --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'dump prune')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--plan --max-age --max-size --keep-symbols -y --yes --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'pdb')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'upload list download delete show match wanted' -- "$cur")); fi ;;
    'pdb upload')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--exe-version --exe-guid --exe-age --pdb-filename -j --jobs --retries --wait --wait-timeout --summary --fail-on-mismatch --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'pdb list')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-V --version -g --guid --name -p --page -n --page-size --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'pdb download')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-o --output -f --force --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'pdb delete')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-y --yes --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'pdb show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'pdb match')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'pdb wanted')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--system -n --limit --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'exe')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'upload list download delete show' -- "$cur")); fi ;;
    'exe upload')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--exe-version --exe-guid --exe-filename -j --jobs --retries --wait --wait-timeout --summary --fail-on-mismatch --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'exe list')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-V --version -g --guid --name -p --page -n --page-size --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'exe download')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-o --output -f --force --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'exe delete')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-y --yes --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'exe show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'symbols')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'check export import' -- "$cur")); fi ;;
    'symbols check')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--ignore --strict -j --jobs --retries --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'symbols export')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-V --version --name --since --product -j --jobs --retries --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'symbols import')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--follow-pointers -j --jobs --retries --wait --wait-timeout --summary --fail-on-mismatch --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'search explain stats patterns browse show regex open formats facts remember forget timeline report sessions' -- "$cur")); fi ;;
    'logs search')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--must --any --none -e --regex -i --ignore-case -w --word --since --until --json-must --json-any --json-none --time-field --include --exclude -C --context -A --after-context -B --before-context --event -m --max-hits -c --count -l --files -f --follow --no-explain --encoding --tz --session -k --keep --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs explain')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--must --any --none -e --regex -i --ignore-case -w --word --since --until --json-must --json-any --json-none --time-field --include --exclude --encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs stats')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--must --any --none -e --regex -i --ignore-case -w --word --since --until --json-must --json-any --json-none --time-field --include --exclude --buckets --top --encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs patterns')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--must --any --none -e --regex -i --ignore-case -w --word --since --until --json-must --json-any --json-none --time-field --include --exclude -n --limit --order --encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs browse')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--must --any --none -e --regex -i --ignore-case -w --word --since --until --json-must --json-any --json-none --time-field --include --exclude --encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-C --context --encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs regex')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-i --ignore-case --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs open')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--hint --globs --encoding --tz --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs formats')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--encoding --tz --session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'logs facts')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--session --rule --hit --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs remember')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs forget')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--session --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs timeline')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--session --with-crashes --tz -n --limit --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs report')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--session --format --no-snippets --with-crashes --tz -o --output --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'logs sessions')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--limit --close --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'mcp')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'backup')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'create list show verify restore prune pull drill cron' -- "$cur")); fi ;;
    'backup create')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--to --compact --no-files --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'backup list')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'backup show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'backup verify')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--copy --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'backup restore')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--to --in-place --only --copy --no-files -y --yes --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'backup prune')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--keep-days --keep-last --plan --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'backup pull')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--db --to --token-file --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'backup drill')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--copy --no-copy --scratch --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'backup cron')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--schedule --timezone --print --install --uninstall --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'serve')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--host --port --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'token')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'create list revoke' -- "$cur")); fi ;;
    'token create')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--name --scope --expires --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'token list')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'token revoke')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'config')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'init show check schema' -- "$cur")); fi ;;
    'config init')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-f --force --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'config show')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '-o --origin --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'config check')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'config schema')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'doctor')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
    'demo')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--keep --server --key-file --config --lang --json -q --quiet --no-color -h --help' -- "$cur"))
      else COMPREPLY=($(compgen -W '' -- "$cur")); fi ;;
  esac
}

complete -o nosort -F _chs chs
