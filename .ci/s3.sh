#!/usr/bin/env bash
# A server of S3 for the tests, on this machine alone: OpenStack Swift with its s3api, which checks signatures.
#   .ci/s3.sh start DIR [PORT]   its last line is the value of CHS_TEST_S3; PORT to PORT+4 are used (4575)
#   .ci/s3.sh stop DIR
# What is missing is installed from Debian's packages. DIR has everything: configuration, objects, logs, process ids.
set -euo pipefail

usage() { echo 'usage: .ci/s3.sh start DIR [PORT] | stop DIR' >&2; exit 64; }
[ $# -ge 2 ] || usage
verb=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=${3:-4575}
access=test:tester secret=testing
owner=$(id -un)
conf=$dir/conf

is_ours() { [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' < "/proc/$1/cmdline" | grep -qF "$dir"; }

stop() {
  local file pid _
  for file in "$dir"/run/*.pid; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    # Only what we started: the number may be another program's by now.
    if is_ours "$pid"; then
      kill "$pid" 2>/dev/null || true
      for _ in $(seq 50); do is_ours "$pid" || break; sleep 0.1; done
    fi
    rm -f "$file"
  done
}

install_missing() {
  local missing=() kind
  for kind in proxy object container account; do
    command -v "swift-$kind-server" > /dev/null || missing+=("swift-$kind")
  done
  command -v memcached > /dev/null || missing+=(memcached)
  command -v curl > /dev/null || missing+=(curl)
  [ ${#missing[@]} -gt 0 ] || return 0
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } > "$dir/apt.log" 2>&1 || { tail -5 "$dir/apt.log" >&2; exit 1; }
}

# storage KIND PORT: one server of the ring, which has one device and one copy of everything.
storage() {
  local kind=$1 at=$2
  cat > "$conf/$kind.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $at
swift_dir = $conf
devices = $dir/devices
mount_check = false
user = $owner
workers = 0
log_level = WARNING

[pipeline:main]
pipeline = $kind-server

[app:$kind-server]
use = egg:swift#$kind
CONF
  (
    cd "$conf"
    rm -f "$kind.builder" "$kind.ring.gz"
    swift-ring-builder "$kind.builder" create 2 1 0
    swift-ring-builder "$kind.builder" add "r1z1-127.0.0.1:$at/disk" 1
    swift-ring-builder "$kind.builder" rebalance
  ) > "$dir/log/ring-$kind.log" 2>&1
}

# Lists have 25 entries a page, so that a few objects are on several.
proxy() {
  cat > "$conf/proxy.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
swift_dir = $conf
user = $owner
workers = 0
log_level = WARNING

[pipeline:main]
pipeline = catch_errors cache s3api tempauth copy bulk slo dlo versioned_writes proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
allow_multipart_uploads = true
min_segment_size = 1048576
max_bucket_listing = 25
check_bucket_owner = false

[filter:tempauth]
use = egg:swift#tempauth
user_${access/:/_} = $secret .admin

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$((port + 4))
CONF
  local name part
  for name in catch_errors:catch_errors copy:copy bulk:bulk slo:slo dlo:dlo versioned_writes:versioned_writes; do
    part=${name%%:*}
    printf '\n[filter:%s]\nuse = egg:swift#%s\n' "$part" "${name#*:}" >> "$conf/proxy.conf"
  done
  echo 'allow_versioned_writes = true' >> "$conf/proxy.conf"
}

# run NAME COMMAND...: in a session of its own, so that it outlives this script.
run() {
  local name=$1
  shift
  setsid "$@" > "$dir/log/$name.log" 2>&1 < /dev/null &
  echo $! > "$dir/run/$name.pid"
}

start() {
  stop
  install_missing
  mkdir -p "$conf" "$dir/devices/disk" "$dir/log" "$dir/run"
  printf '[swift-hash]\nswift_hash_path_prefix = chs\nswift_hash_path_suffix = tests\n' > "$conf/swift.conf"
  printf '\n[storage-policy:0]\nname = one\ndefault = yes\n' >> "$conf/swift.conf"
  storage object $((port + 1))
  storage container $((port + 2))
  storage account $((port + 3))
  proxy
  # The programs look for swift.conf in /etc alone, and there may be none, or one of somebody else's.
  cat > "$conf/serve.py" <<'PY'
import os, runpy, sys
from swift.common import utils
utils.set_swift_dir(os.path.dirname(os.path.abspath(__file__)))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
PY
  run memcached memcached -l 127.0.0.1 -p $((port + 4)) -m 32 -u "$owner" -P "$dir/run/memcached.own"
  local kind
  for kind in object container account proxy; do
    run "$kind" /usr/bin/python3 "$conf/serve.py" "$(command -v "swift-$kind-server")" "$conf/$kind.conf"
  done

  # Ready when it refuses a signature: until then nobody answers, or the proxy says that it has no servers.
  local code=000 _
  for _ in $(seq 600); do
    code=$(curl -s -o /dev/null -m 5 -w '%{http_code}' -H 'Authorization: AWS nobody:nothing' \
      -H "Date: $(date -Ru)" "http://127.0.0.1:$port/none" || true)
    [ "$code" = 403 ] && break
    sleep 0.1
  done
  if [ "$code" != 403 ]; then
    echo "s3.sh: no answer on port $port (status $code)" >&2
    tail -n 5 "$dir"/log/*.log >&2
    stop
    exit 1
  fi
  echo "http://${access/:/%3A}:$secret@127.0.0.1:$port"
}

case $verb in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
