#!/bin/bash
# Runs once, when the data folder is made: MLflow's role, which can do nothing outside its own
# database. psql reads the password itself: it stands in no list of processes and no log.
set -euo pipefail
export key=${KEYS:-/run/keys}/mlflow_user_password
if [ ! -s "$key" ]; then
    echo "The key file $key is missing or empty; it must hold the password of mlflow_user: docker compose up keys" >&2
    exit 1
fi
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres <<'SQL'
\set password `cat "$key"`
-- Postgres logs a statement that fails, or one that takes long, with the password in it
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
SET log_statement = 'none';
CREATE ROLE mlflow_user LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE mlflow_db OWNER mlflow_user;
REVOKE CONNECT ON DATABASE mlflow_db, postgres, template1 FROM PUBLIC;
SQL
