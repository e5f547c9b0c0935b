#!/usr/bin/env bash
# Renews the hashed locks; every Python from 3.11 on installs the same versions from them.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    "${UV:-.venv/bin/uv}" pip compile --quiet --upgrade --universal --generate-hashes \
        --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" "$@"
}

lock - --output-file requirements/uv.txt <<<"uv"
lock pyproject.toml --extra notebook --group build --output-file requirements/local.txt
# constrained by the other lock: what is tested is what is run
lock pyproject.toml --extra notebook --group dev --constraints requirements/local.txt \
    --output-file requirements/dev.txt
