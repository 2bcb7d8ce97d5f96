#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# migrate.sh DATABASE [MIGRATIONS] - apply all migrations to a fresh database with psql, in the order
# and with the roles of the product's runner, but independently of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
migrations=${2:-$here/../../migrations}

{
    for file in "$migrations"/[0-9]*.sql; do
        echo "BEGIN; SET LOCAL search_path = onramp, public;"
        case $file in
        */0001_*) ;;
        *) echo "SET LOCAL ROLE onramp_owner;" ;;
        esac
        echo "\\i $file"
        echo "COMMIT;"
    done
    echo "BEGIN; SET LOCAL search_path = onramp, public; SET LOCAL ROLE onramp_owner;"
    echo "SET LOCAL check_function_bodies = off;"
    printf '\\i %s\n' "$migrations"/functions/*.sql
    echo "SELECT onramp.event_months_extend() \\g /dev/null"
    echo "COMMIT;"
} | PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 -d "$1" -f -
