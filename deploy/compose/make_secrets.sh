#!/bin/sh
# Makes what the stack keeps secret, in ./secrets, once: what is there stays. The folder is open to its owner alone; the
# files in it are readable, because a container that one is mounted into reads it as another user.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
once() { test -s "secrets/$1" || cat > "secrets/$1"; chmod 644 "secrets/$1"; }
random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n' | cut -c1-40; }

random | once postgres_password
random | once churn_store_secret_key
random | once churn_phone_hash_key
random | once grafana_password
password=$(cat secrets/postgres_password) store=$(cat secrets/churn_store_secret_key)
printf '%s' "$password" | once pgpassword
printf '%s' "$store" | once serving_store_secret_key
printf '%s' "$store" | once aws_secret_access_key
printf 'postgresql+psycopg2://churn:%s@postgres:5432/mlflow' "$password" | once mlflow_backend_store_uri
printf '{"identities": [{"name": "churn", "credentials": [{"accessKey": "churn", "secretKey": "%s"}], "actions": ["Admin"]}]}' \
    "$store" | once s3.json
test -s secrets/sign_in_users || {
    echo "name a person for Dagster's UI: add a line \`name hash\` to $PWD/secrets/sign_in_users;" >&2
    echo "docker run --rm -it docker.io/library/caddy:2.11 caddy hash-password makes a hash" >&2
}
