#!/bin/sh
# The page, with its key for the service.
set -eu
PAGE_SERVICE_KEY=$(cat /keys/page.key)
export PAGE_SERVICE_KEY
exec churn-ui
