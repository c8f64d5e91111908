#!/usr/bin/env bash
# A PostgreSQL server of its own for the tests, on loopback, with passwords (scram-sha-256).
#   .ci/postgres.sh start DIR [PORT]   the last line printed is the value of CHS_TEST_POSTGRES
#   .ci/postgres.sh stop DIR
# Debian's packages; what is missing is installed. The system's own cluster is neither used nor started.
set -euo pipefail
export LC_ALL=C.UTF-8
usage() { echo "usage: $0 start DIR [PORT] | stop DIR" >&2; exit 64; }
[ $# -ge 2 ] || usage
verb=$1 folder=$2 port=${3:-}
# Odd characters on purpose: p@ss:w/rd% once it is decoded.
user=chs_test password='p@ss:w/rd%' encoded='p%40ss%3Aw%2Frd%25'

binaries() { find /usr/lib/postgresql -maxdepth 3 -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1; }

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
  # No cluster "main", so that nothing takes the usual port or starts by itself.
  sed -i "s/^#\?create_main_cluster.*/create_main_cluster = false/" /etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends postgresql postgresql-client >/dev/null
}

# PostgreSQL refuses to run as root. Images without Debian's packages proper may lack their user.
owner=$(id -un)
choose_owner() {
  if [ "$(id -u)" -eq 0 ]; then owner=postgres; id postgres >/dev/null 2>&1 || owner=nobody; fi
}
as_owner() { if [ "$(id -un)" = "$owner" ]; then "$@"; else runuser -u "$owner" -- "$@"; fi; }

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

start() {
  [ -n "$(binaries)" ] || install >&2
  local bin; bin=$(binaries)
  [ -n "$bin" ] || { echo 'PostgreSQL could not be installed' >&2; exit 1; }
  choose_owner
  [ -n "$port" ] || port=$(free_port)
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd -P)
  [ "$(id -un)" = "$owner" ] || chown "$owner" "$folder"
  cd /
  if [ ! -e "$folder/data/PG_VERSION" ]; then
    # initdb reads the password from a file: it must not be in the process list.
    as_owner bash -c 'umask 077; printf "%s\n" "$2" >"$1/password"' - "$folder" "$password"
    as_owner "$bin/initdb" -D "$folder/data" -U "$user" --pwfile="$folder/password" --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }
    rm -f "$folder/password"
  fi
  # Durability is the server's business, not what these tests are about.
  as_owner "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/server.log" \
    -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c fsync=off -c shared_buffers=32MB -c max_connections=60" \
    start >&2 || { cat "$folder/server.log" >&2; exit 1; }
  echo "postgres://$user:$encoded@127.0.0.1:$port/postgres"
}

stop() {
  choose_owner
  local bin; bin=$(binaries)
  folder=$(cd "$folder" && pwd -P)
  cd /
  as_owner "$bin/pg_ctl" -D "$folder/data" -m fast -w stop >&2
}

case $verb in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
