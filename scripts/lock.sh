#!/usr/bin/env bash
# Renews the hashed locks; every Python from 3.11 on installs the same versions from them.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    "${UV:-.venv/bin/uv}" pip compile --quiet --upgrade --universal --generate-hashes \
        --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" "$@"
}

# constrained by the first lock: what is tested is what is run, and what trains is what serves
constrained() { compile --constraints requirements/local.txt "$@"; }

compile - --output-file requirements/uv.txt <<<"uv"
compile pyproject.toml --extra jobs --extra notebook --extra stack --extra azure --extra lightgbm --extra xgboost \
    --group build \
    --output-file requirements/local.txt
constrained pyproject.toml --extra jobs --extra notebook --extra stack --extra azure --extra lightgbm --extra xgboost \
    --group dev \
    --output-file requirements/dev.txt
constrained --group build --output-file requirements/build.txt
constrained pyproject.toml --extra mysql --extra stack --extra lightgbm --extra xgboost \
    --output-file fastapi/requirements.txt
constrained - --output-file fastapi/maintenance.txt <<<$'boto3\npsycopg2-binary'
constrained pyproject.toml --extra jobs --extra notebook --extra mysql --extra s3 \
    --extra lightgbm --extra xgboost \
    --output-file jupyter/requirements.txt
constrained mlflow/requirements.in --excludes mlflow/excludes.txt \
    --output-file mlflow/requirements.txt
compile minio/requirements.in --output-file minio/requirements.txt
for kind in converted pipeline; do
    constrained "deploy/image/$kind.in" --excludes deploy/image/excludes.txt \
        --output-file "deploy/image/$kind.txt"
done
constrained - --output-file deploy/image/sbom.txt <<<"cyclonedx-bom"
constrained services/data-api/requirements.in --output-file services/data-api/requirements.txt

# what the API answers with; promotion compares a model's libraries with it
sed -nE 's/^(mlflow|scikit-learn|numpy|pandas|scipy|skops|lightgbm|xgboost-cpu)(-skinny)?==([^ ]+).*/\1==\3/p' \
    fastapi/requirements.txt >src/rookery/serving_versions.txt
