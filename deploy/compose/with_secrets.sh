#!/bin/sh
# Runs a command with secrets that it takes from variables alone: each name of FROM_FILES is read from the file of
# that name, in lower case, in SECRETS. What reads files itself (CHURN_SECRETS_DIR) needs none of this.
set -eu
for name in ${FROM_FILES:-}; do
    file=${SECRETS:-/run/secrets}/$(echo "$name" | tr '[:upper:]' '[:lower:]')
    test -r "$file" || { echo "with_secrets: $file cannot be read; make_secrets.sh makes it" >&2; exit 1; }
    export "$name=$(cat "$file")"
done
exec "$@"
