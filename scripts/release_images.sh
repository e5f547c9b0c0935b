#!/usr/bin/env bash
# Builds the platform's own images from docker-compose.yaml and pushes them, for Compose to pull:
#   REGISTRY=ghcr.io GITHUB_REPOSITORY_OWNER=you scripts/release_images.sh
# PLATFORMS: linux/amd64,linux/arm64 if it is not set; more than one needs a builder with emulation
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -nE 's/^version = "(.+)"$/\1/p' pyproject.toml)
tag=${GITHUB_REF_NAME:-v$version}
if [ "$tag" != "v$version" ]; then
    echo "the tag is $tag, but pyproject.toml says version $version; a release of it is tagged v$version" >&2
    exit 2
fi
owner=${GITHUB_REPOSITORY_OWNER:?the owner of the images is named by GITHUB_REPOSITORY_OWNER}
# registries take small letters only
export IMAGE_PREFIX=${REGISTRY:-ghcr.io}/${owner,,}/rookery- ROOKERY_VERSION=$version

docker buildx bake --file docker-compose.yaml --push \
    --set "*.platform=${PLATFORMS:-linux/amd64,linux/arm64}"
echo "to run it: IMAGE_PREFIX=$IMAGE_PREFIX ROOKERY_VERSION=$ROOKERY_VERSION docker compose up"
