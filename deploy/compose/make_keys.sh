#!/bin/sh
# Makes the page's key for the service once, before any service listens; Prometheus reads it too.
set -eu
cd /app
test -s data/page.key || {
    python -m serving keys add --name page --scope score --scope features | grep -o 'churn_[A-Za-z0-9_-]*' > data/page.key
}
chmod 755 data
chmod 644 data/page.key
