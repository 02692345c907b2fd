#!/bin/sh
# The service, with the keys that all of them share.
set -eu
umask 077
mkdir -p /app/data/serving
ln -sfn /keys/keys.json /app/data/serving/keys.json
exec python -m serving
