#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cluster.sh COMMAND [ARGS...] - run a command with a throw-away PostgreSQL.
#
# Starts a cluster in a temporary directory (unix socket only), sets PGHOST, PGUSER (a superuser,
# onramp_admin) and PGDATABASE for the command, and stops and removes everything whatever happens.
# Exits with the command's status. Where ONRAMP_TEST_CLUSTER is set, that cluster (its PGHOST) is
# used.
# As root the server runs as the user postgres, because PostgreSQL refuses root.
# Answers are not kept (fsync is off): nothing in it outlives the command.
set -eu

if [ "$#" -eq 0 ]; then
    echo "usage: cluster.sh COMMAND [ARGS...]" >&2
    exit 64
fi

export PGUSER=onramp_admin PGDATABASE=postgres
if [ -n "${ONRAMP_TEST_CLUSTER:-}" ]; then
    export PGHOST="$ONRAMP_TEST_CLUSTER"
    exec "$@"
fi
unset PGPORT PGSERVICE PGPASSWORD PGOPTIONS

bin=
for directory in /usr/lib/postgresql/*/bin; do
    [ -x "$directory/initdb" ] && bin=$directory
done
if [ -z "$bin" ]; then
    echo "cluster.sh: no PostgreSQL under /usr/lib/postgresql; install postgresql" >&2
    exit 69
fi

# A prefix, not a function: behind & a function is a shell of its own, whose pid is not the
# server's.
as_server=
if [ "$(id -u)" -eq 0 ]; then
    as_server='setpriv --reuid=postgres --regid=postgres --clear-groups'
fi

root=$(mktemp -d /tmp/onramp-db.XXXXXX)
server=
command=
# shellcheck disable=SC2317 # reached through the trap
cleanup() {
    trap '' HUP INT TERM
    if [ -n "$command" ] && kill "$command" 2>/dev/null; then
        wait "$command" 2>/dev/null || true
    fi
    # Immediate: there is nothing to keep.
    if [ -n "$server" ] && kill -QUIT "$server" 2>/dev/null; then
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$root"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

chmod 755 "$root"
mkdir "$root/socket"
chmod 777 "$root/socket"
if [ "$(id -u)" -eq 0 ]; then
    chown postgres: "$root"
fi
cd "$root"

# trust: the socket lies in a directory of ours and dies with the command.
# shellcheck disable=SC2086 # as_server is several words, or none
$as_server "$bin/initdb" --no-sync --auth=trust --username=onramp_admin --encoding=UTF8 \
    --locale=C.UTF-8 --pgdata="$root/data" >"$root/initdb.log" 2>&1 || {
    cat "$root/initdb.log" >&2
    exit 70
}
# Settings that a test may want to watch are those of the product, but for durability.
cat >>"$root/data/postgresql.auto.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$root/socket'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = '64MB'
max_wal_size = '512MB'
deadlock_timeout = '100ms'
log_min_messages = fatal
CONF
# shellcheck disable=SC2086 # as_server is several words, or none
$as_server "$bin/postgres" -D "$root/data" >"$root/server.log" 2>&1 &
server=$!
export PGHOST="$root/socket"
attempts=0
until "$bin/pg_isready" -q; do
    attempts=$((attempts + 1))
    if [ "$attempts" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$root/server.log" >&2
        exit 70
    fi
    sleep 0.1
done

cd "$OLDPWD"
ONRAMP_TEST_CLUSTER="$PGHOST" "$@" &
command=$!
# wait returns early when a trap runs; the trap then ends us.
status=0
wait "$command" || status=$?
command=
exit "$status"
