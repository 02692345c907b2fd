#!/usr/bin/env bash
# Builds the images, prints their sizes, and runs each as it is delivered: an ordinary user, a read-only
# root, no right that is not needed. `make image-check [TARGETS="serving ui platform"]` calls it.
#
# With Docker it uses Docker. Elsewhere it uses Debian's buildah and podman, as root, with everything they
# keep below data/bench/images, and a base made by debootstrap where none can be pulled.
set -euo pipefail
cd "$(dirname "$0")/../.."
TARGETS=${TARGETS:-serving ui platform}  # with BUILT=yes those that are there already are tried
BASE=${BASE:-docker.io/library/python:3.11-slim-bookworm}
WORK=$PWD/data/bench/images
SERVING_MB_MAX=350
TINY='import sys, pathlib
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.tiny import fit_tiny
publish(pathlib.Path(sys.argv[1]), fit_tiny("xgboost"))'
mkdir -p "$WORK"

say() { printf '%s\n' "image-check: $*"; }
fail() { say "$*" >&2; exit 1; }

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    image() { docker "$@"; }
    build() { docker build --build-arg "BASE=$BASE" --build-arg "REVISION=${REVISION:-}" --target "$1" --tag "churn-$1" .; }
    run() { docker run --rm --network host "$@"; }
    health() { test "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy; }
else
    if ! command -v buildah podman runc debootstrap >/dev/null; then
        test "$(id -u)" = 0 || fail "no Docker here: have root install buildah, podman, runc and debootstrap"
        apt-get install --yes -qq --no-install-recommends buildah podman runc debootstrap
    fi
    STORE=(--root "$WORK/store" --runroot "$WORK/run" --storage-driver overlay)
    # Who builds in a chroot shares the network of this machine, and how it finds packages.
    SEEN=()
    for file in /etc/pip.conf /etc/uv/uv.toml /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
        if test -e "$file"; then SEEN+=(--volume "$file:$file:ro"); fi
    done
    image() { podman "${STORE[@]}" --cgroup-manager cgroupfs "$@"; }
    build() {
        # In Docker's format: the other one has no health checks.
        buildah "${STORE[@]}" build --format docker --isolation chroot --network host --pull-never \
            --ulimit nofile=20000:20000 "${SEEN[@]}" --build-arg "BASE=$BASE" --build-arg "REVISION=${REVISION:-}" --target "$1" \
            --tag "churn-$1" .
    }
    run() {
        image run --rm --runtime runc --network host --pull=never \
            --ulimit nofile=20000:20000 --ulimit nproc=4000:4000 "$@"
    }
    # Podman leaves it to systemd, which may be absent, when to check: it is asked for one here.
    health() { image healthcheck run "$1" >/dev/null; }
    if ! image image exists "$BASE" && ! image pull --quiet "$BASE" 2>/dev/null; then
        say "$BASE cannot be pulled; a base is made by debootstrap, with Debian's own Python 3.11"
        mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -1)
        test -n "$mirror" || mirror=$(sed -n 's/^deb [^h]*\(http[^ ]*\) .*/\1/p' /etc/apt/sources.list | head -1)
        test -n "$mirror" || fail "apt has no mirror here: name one in /etc/apt/sources.list"
        root=$WORK/rootfs
        test -e "$root/.whole" || {
            rm -rf "$root"
            debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
                bookworm "$root" "$mirror" >"$WORK/debootstrap.log"
            ln -s /usr/bin/python3 "$root/usr/local/bin/python"
            rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
            # What the official base, being `slim`, has not either.
            rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
                "$root"/usr/share/{man,info,locale,groff,lintian}/*
            find "$root/usr/share/doc" -type f ! -name copyright -delete
            touch "$root/.whole"
        }
        tar -C "$root" -c . | image import --quiet - "$BASE" >/dev/null
    fi
fi

# As delivered: nothing may be written but the volume and /tmp, and no right is held.
LOCKED=(--read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges)

size_mb() { echo $(($(image image inspect --format '{{.Size}}' "$1") / 1000000)); }

# The folder becomes that of the image's user, or everybody's where only root could do so.
give() { if test "$(id -u)" = 0; then chown -R 10001:10001 "$1"; else chmod -R a+rwX "$1"; fi; }

# A folder of the image's user. Podman gives a tmpfs at a volume's place to root, whatever its mode.
empty() { local made; made=$(mktemp -d "$WORK/data.XXXX"); give "$made"; echo "$made"; }

until_answered() {
    for _ in $(seq 120); do
        if python3 -c "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=3)" "$1" 2>/dev/null; then
            return
        fi
        sleep 1
    done
    fail "$1 did not answer in two minutes"
}

# What an orchestrator goes by: the image's own health check.
until_healthy() {
    for _ in $(seq 60); do
        if health "$1" 2>/dev/null; then say "$1 is healthy"; return; fi
        sleep 1
    done
    fail "the health check of $1 did not pass in a minute"
}

check_serving() {
    local size data key
    size=$(size_mb churn-serving)
    data=$(mktemp -d "$WORK/data.XXXX")
    # What `make demo` published; without a demo, a model of a few rows.
    if test -d data/published; then
        cp -r data/published "$data/published"
    else
        .venv/bin/python -c "$TINY" "$data/published"
    fi
    mkdir "$data/serving"
    give "$data"
    local volume=(--volume "$data:/app/data")
    key=$(run "${LOCKED[@]}" "${volume[@]}" churn-serving \
        python -m serving keys add --name check --scope score --scope features | grep -o 'churn_[A-Za-z0-9_-]*' | head -1)
    run "${LOCKED[@]}" "${volume[@]}" --name churn-check-serving --detach \
        --env SERVING_HOST=127.0.0.1 --env "SERVING_PORT=$PORT" churn-serving >/dev/null
    until_answered "http://127.0.0.1:$PORT/health/ready"
    until_healthy churn-check-serving
    printf '%s' "$key" >"$data/key"
    give "$data/key"
    image exec churn-check-serving python -m churn_platform.smoke --url "http://127.0.0.1:$PORT" --key-file data/key
    image exec churn-check-serving id
    image exec churn-check-serving sh -c 'touch /app/x 2>/dev/null && exit 1 || echo "the root is read-only"'
    image stop --time 20 churn-check-serving >/dev/null
    rm -rf "$data" 2>/dev/null || true  # files of the image's user
    test "$size" -le "$SERVING_MB_MAX" || fail "churn-serving has $size MB, the limit is $SERVING_MB_MAX"
}

check_ui() {
    run "${LOCKED[@]}" --volume "$(empty):/app/data" --name churn-check-ui --detach \
        --env PAGE_HOST=127.0.0.1 --env "PAGE_PORT=$PORT" churn-ui >/dev/null
    until_answered "http://127.0.0.1:$PORT/health"
    until_healthy churn-check-ui
    image stop --time 20 churn-check-ui >/dev/null
}

check_platform() {
    run "${LOCKED[@]}" --volume "$(empty):/app/data" churn-platform churn --help >/dev/null
    run "${LOCKED[@]}" --volume "$(empty):/app/data" --name churn-check-platform --detach \
        churn-platform dagster-webserver -h 127.0.0.1 -p "$PORT" -w workspace.yaml >/dev/null
    until_answered "http://127.0.0.1:$PORT/server_info"
    image stop --time 20 churn-check-platform >/dev/null
}

PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for target in $TARGETS; do
    if test -z "${BUILT:-}"; then
        say "building churn-$target"
        build "$target" >"$WORK/build-$target.log" 2>&1 || { tail -30 "$WORK/build-$target.log"; fail "churn-$target was not built"; }
    fi
    say "churn-$target has $(size_mb "churn-$target") MB, $(size_mb "$BASE") of them its base"
    "check_$target"
    say "churn-$target is built, starts and answers"
done
