#!/bin/sh
# Makes .venv from the hashed locks: `scripts/setup.sh local`, or `dev` for the tests as well.
# Does nothing, in milliseconds, while locks, pyproject.toml, place and Python are the same.
set -eu
cd "$(dirname "$0")/.."

wanted=${1:-local}
python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.rookery-$wanted

fail() {
    printf '%s\n' "$@" >&2
    exit 2
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The one command that installs Python with venv; $1 is Debian's name of the package.
install_command() {
    like=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}" || uname -s)
    case $like in
        *debian* | *ubuntu*) echo "sudo apt install $1" ;;
        *fedora* | *rhel*) echo "sudo dnf install python3.13" ;;
        *suse*) echo "sudo zypper install python313" ;;
        *arch*) echo "sudo pacman -S python" ;;
        *alpine*) echo "sudo apk add python3" ;;
        *Darwin*) echo "brew install python@3.13" ;;
        *) echo "install Python 3.13 with its modules venv and ensurepip" ;;
    esac
}

check_python() {
    found=$(version_of "$python") ||
        fail "Python 3.11 or newer is needed; $python was not found." \
            "Next: $(install_command "python3 python3-venv")"
    if ! is_new_enough "$python"; then
        for other in python3.14 python3.13 python3.12 python3.11; do
            is_new_enough "$other" &&
                fail "Python 3.11 or newer is needed; $python is $found." \
                    "Next: PYTHON=$other make setup"
        done
        fail "Python 3.11 or newer is needed; $python is $found." \
            "Next: install a newer one beside it, then PYTHON=python3.13 make setup"
    fi
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python ($found) cannot make virtual environments: venv or ensurepip is missing." \
            "Next: $(install_command "$(basename "$python")-venv")"
}

# What the environment was made from and where; a moved one has dead paths inside.
fingerprint() {
    cat requirements/uv.txt requirements/local.txt "requirements/$wanted.txt" pyproject.toml | cksum
    pwd
    "$venv/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null
}

is_usable() {
    [ -x "$venv/bin/pip" ] && [ "$(cat "$venv/.rookery-place" 2>/dev/null)" = "$(pwd)" ] || return 1
    here=$(version_of "$venv/bin/python") || return 1
    [ -z "${PYTHON:-}" ] || [ "$here" = "$(version_of "$python")" ]
}

# The tests start dozens of processes. Where Python may not write bytecode, each would compile anew for
# seconds; one import here writes it. To compile every package takes three times as long.
compile_what_is_used() {
    PYTHONDONTWRITEBYTECODE= "$venv/bin/python" -c '
import mlflow.sklearn, pandera.pandas, skops.io, sklearn.ensemble, sklearn.inspection' &
    PYTHONDONTWRITEBYTECODE= "$venv/bin/python" -c '
import fastapi, ipykernel.ipkernel, itables, jupyterlab.labapp, matplotlib.pyplot, papermill
import pydantic_settings, rich.table, seaborn, sqlalchemy.orm, typer, uvicorn'
    wait $!
}

if is_usable; then
    [ "$(fingerprint)" = "$(cat "$stamp" 2>/dev/null)" ] && exit 0
else
    check_python
    "$python" -m venv --clear "$venv"
    pwd >"$venv/.rookery-place"
fi

"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
"$venv/bin/uv" pip install --quiet --python "$venv" --require-hashes -r "requirements/$wanted.txt"
"$venv/bin/uv" pip install --quiet --python "$venv" --no-deps --no-build-isolation --editable .
if [ "$wanted" = dev ] && [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then compile_what_is_used; fi
fingerprint >"$stamp"
