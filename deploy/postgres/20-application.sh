#!/bin/sh
# Runs once, when the database server makes its first data: the role of Clearway's programs, which owns nothing.
# `clearway migrate` grants it what it needs; the owner is $POSTGRES_USER.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set application_password="$CLEARWAY_DB_PASSWORD" <<'SQL'
CREATE ROLE clearway_app LOGIN PASSWORD :'application_password';
SQL
