#!/bin/sh
# Runs once, when the database is made: the role that serves, which owns nothing. `db grant` gives it its rights.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$(cat /run/secrets/application_password)" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE records_application LOGIN PASSWORD :'password';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SQL
