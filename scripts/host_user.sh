#!/bin/sh
# Writes into .env as whom notebooks are saved, where that is not 1000:1000, Compose's default here.
# The user who calls; for root the owner of the checkout; if that is root as well, 1000, which is
# then given the folders that containers write into.
set -eu
cd "$(dirname "$0")/.."

grep -qs '^HOST_UID=' .env && exit 0

owner() {
    # shellcheck disable=SC2012  # the one way to ask for an owner that every system has
    ls -nd "$1" | awk '{print $3 ":" $4}'
}

host=$(id -u):$(id -g)
[ "${host%:*}" != 0 ] || host=$(owner .)
if [ "${host%:*}" = 0 ]; then
    host=1000:1000
    chown -R "$host" notebooks tasks configs backups
fi
[ "$host" = 1000:1000 ] && exit 0

umask 077
printf '\n# written by make up: who owns the notebooks\nHOST_UID=%s\nHOST_GID=%s\n' \
    "${host%:*}" "${host#*:}" >>.env
echo "wrote HOST_UID=${host%:*} and HOST_GID=${host#*:} into .env" >&2
