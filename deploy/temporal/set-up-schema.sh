#!/bin/sh
# Brings Temporal's two databases to the schema of this version of its tools. Running it again is harmless: `setup-schema`
# leaves a version that is there alone, and `update-schema` begins where the last one ended.
#
# SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD are read by the tool itself.
set -eu
schema=${TEMPORAL_SCHEMA_DIR:-/etc/temporal/schema/postgresql/v12}

bring_up() {
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-dir "$schema/$2/versioned"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
