#!/bin/bash
# Runs once, as root over the socket, while the server does not listen on the network yet.
# my_app_user (the jobs) has all rights on my_app_db and may pass them on; rookery_api (the API) has
# none until `python -m rookery.stack.tables` has made its tables: MySQL grants nothing on a table
# that is not there. Passwords go through pipes: they stand in no list of processes and no log.
set -euo pipefail
keys=${KEYS:-/run/keys}

# The contents of a key file as an SQL string.
literal() {
    printf "'%s'" "$(sed -e 's/\\/\\\\/g' -e "s/'/''/g" "$keys/$1")"
}

# Images differ in when root gets its password: before this script or after it.
options() {
    printf '[client]\nuser=root\nprotocol=socket\n'
    if ! mysql --no-defaults --protocol=socket --user=root --execute='DO 0' &>/dev/null; then
        printf 'password="%s"\n' "$(cat "$keys/root_password")"
    fi
}

# A database's name in a grant is a pattern, in which _ stands for any character.
mysql --defaults-extra-file=<(options) <<SQL
CREATE USER 'my_app_user'@'%' IDENTIFIED BY $(literal my_app_user_password);
CREATE USER 'rookery_api'@'%' IDENTIFIED BY $(literal rookery_api_password);
GRANT ALL ON \`my\\_app\\_db\`.* TO 'my_app_user'@'%' WITH GRANT OPTION;
SQL
