#!/bin/sh
# Checks .github/workflows with actionlint: the one that is installed, else by Go, which builds it.
# Where neither is found that is said; it fails only where ACTIONLINT=required.
set -eu
cd "$(dirname "$0")/.."

if command -v actionlint >/dev/null; then
    exec actionlint
fi
if command -v go >/dev/null; then
    exec go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
fi
echo "not checked: .github/workflows, because neither actionlint nor Go is installed" >&2
[ "${ACTIONLINT:-}" != required ]
