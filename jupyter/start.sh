#!/bin/sh
# Gives kernels and terminals every service under the names that clients look for, then starts the server.
set -eu

mkdir -p "$HOME"

key() {
    cat "/run/keys/$1" || {
        echo "jupyter: the key $1 is missing; make the keys again: docker compose up keys" >&2
        exit 1
    }
}

for folder in /project/notebooks /project/tasks /project/configs; do
    [ -w "$folder" ] || cat >&2 <<END
jupyter: $folder cannot be written by uid $(id -u): notebooks open and run, but cannot be saved.
jupyter: on the host, give the folder to that uid: sudo chown -R $(id -u):$(id -g) ${folder#/project/}
jupyter: or set HOST_UID and HOST_GID in .env to its owner, $(stat -c '%u and %g' "$folder"), and: docker compose up --detach
END
done

JUPYTER_TOKEN=$(key password)
MLFLOW_TRACKING_PASSWORD=$JUPYTER_TOKEN
MYSQL_PASSWORD=$(key my_app_user_password)
AWS_ACCESS_KEY_ID=$(key jobs_s3_access_key)
AWS_SECRET_ACCESS_KEY=$(key jobs_s3_secret_key)
export JUPYTER_TOKEN MLFLOW_TRACKING_PASSWORD MYSQL_PASSWORD AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

exec jupyter lab --config=/opt/jupyter/jupyter_server_config.py
