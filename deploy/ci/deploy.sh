#!/usr/bin/env bash
# Brings a release into a cluster, waits for it, asks the service, and rolls back if anything fails.
#   deploy.sh OVERLAY REGISTRY TAG SERVICE_URL KEY_FILE
# `kubectl` must be signed in. PYTHON is any Python 3.11; the smoke test needs its standard library alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
overlay=deploy/k8s/${1:?an overlay, small or hosts}
registry=${2:?a registry} tag=${3:?a tag} url=${4:?the address of the service} key_file=${5:?a file with a key}
PYTHON=${PYTHON:-python3}
PATIENCE=${PATIENCE:-600s}

# The images of this release, in the overlay itself: what it derives from an image follows.
for image in churn-serving churn-platform; do
    sed -i "/^  - name: $image\$/,/newTag:/c\\  - name: $image\n    newName: $registry/$image\n    newTag: \"$tag\"" \
        "$overlay/kustomization.yaml"
done

# Each deployment with its revision, to go back to just that one: a plain `undo` would take a deployment that this
# release has not reached yet to the release before the last.
before=$(kubectl --namespace churn get deployments --output \
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.deployment\.kubernetes\.io/revision}{"\n"}{end}' || true)
roll_back() {
    echo "deploy: $1; rolling back" >&2
    while read -r name revision; do
        test -n "$name" || continue
        kubectl --namespace churn rollout undo "deployment/$name" "--to-revision=$revision" || true
    done <<<"$before"
    while read -r name _; do
        test -n "$name" || continue
        kubectl --namespace churn rollout status "deployment/$name" --timeout "$PATIENCE" ||
            echo "deploy: $name is not ready after the roll-back; look at it" >&2
    done <<<"$before"
    exit 1
}

kubectl apply --kustomize "$overlay" || roll_back "the objects were not accepted"
for deployment in $(kubectl --namespace churn get deployments --output name); do
    kubectl --namespace churn rollout status "$deployment" --timeout "$PATIENCE" || roll_back "$deployment did not get ready"
done
"$PYTHON" -m churn_platform.smoke --url "$url" --key-file "$key_file" || roll_back "the service does not answer as it should"
echo "deploy: $tag serves"
