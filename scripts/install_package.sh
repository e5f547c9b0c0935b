#!/bin/sh
# Installs the package below /opt/rookery, with the commit it comes from; the images' last build step.
set -eu

pip --python /opt/venv/bin/python install --no-deps --no-build-isolation --target /opt/rookery .

# the few files of the repository that the build may see; none in a download without its history
[ -e HEAD ] || exit 0
ref=$(sed -n 's/^ref: //p' HEAD)
if [ -z "$ref" ]; then
    commit=$(cat HEAD)
elif [ -e "$ref" ]; then
    commit=$(cat "$ref")
else
    commit=$(sed -n "s|^\([0-9a-f]*\) $ref\$|\1|p" packed-refs)
fi
echo "$commit" >/opt/rookery/rookery/commit.txt
