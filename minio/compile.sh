#!/usr/bin/env bash
# Compiles one version of the module, once its hash is the one written down, into /go/bin.
# Usage: compile.sh MODULE@VERSION FILE, where FILE has lines in the form of go.sum.
set -euo pipefail

module=${1%@*}
version=${1#*@}
field() { sed -n "s/^\t\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" <<<"$answer"; }

wanted=$(awk -v m="$module" -v v="$version" '$1 == m && $2 == v { print $3 }' "$2")
if [ -z "$wanted" ]; then
    echo "$2 has no hash of $module $version: add the line of the Go checksum database" >&2
    exit 1
fi
if ! answer=$(go mod download -json "$module@$version"); then
    echo "$module $version cannot be downloaded: $(field Error)" >&2
    exit 1
fi
if [ "$(field Sum)" != "$wanted" ]; then
    echo "$module $version has the hash $(field Sum), not $wanted as in $2: not compiled" >&2
    exit 1
fi

# From its own folder the vendor's go.sum, which that hash covers, decides about everything else.
cd "$(field Dir)"
# v0.0.0-20260212201848-7aac2a2c5b7c -> 2026-02-12T20:18:48Z and 7aac2a2c5b7c
time=$(sed -E 's/.*-(....)(..)(..)(..)(..)(..)-.*/\1-\2-\3T\4:\5:\6Z/' <<<"$version")
commit=${version##*-}
# the variables of the vendor's buildscripts/gen-ldflags.go; without them it calls itself
# DEVELOPMENT.GOGET and does not say which source it is
cmd=$module/cmd
go install -mod=readonly -trimpath -ldflags "-s -w \
    -X $cmd.Version=$time -X $cmd.ReleaseTag=DEVELOPMENT.${time//:/-} \
    -X $cmd.CopyrightYear=${time%%-*} -X $cmd.CommitID=$commit -X $cmd.ShortCommitID=$commit" .
minio --version
