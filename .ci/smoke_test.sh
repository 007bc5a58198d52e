#!/usr/bin/env bash
# Install a wheel, not editable, in a clean environment far from the checkout, and use it there.
# Usage: smoke_test.sh PYTHON WHEEL        (TORCH: the requirement that gives torch)
set -euo pipefail

python=$1
wheel=$(realpath "$2")
script=$(realpath "$(dirname "$0")/smoke_test.py")

case $wheel in
  *-py3-none-any.whl) ;;
  *) echo "smoke test: $wheel is not a pure-Python wheel" >&2; exit 1 ;;
esac

elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT

"$python" -m venv "$elsewhere/venv"
read -ra torch <<< "${TORCH:-torch}"  # several words where it names an index as well
"$elsewhere/venv/bin/python" -m pip --disable-pip-version-check install --quiet "${torch[@]}"
"$elsewhere/venv/bin/python" -m pip --disable-pip-version-check install --quiet "$wheel"
"$elsewhere/venv/bin/python" -m pip --disable-pip-version-check check

cp "$script" "$elsewhere/"
cd "$elsewhere"
unset PYTHONPATH
venv/bin/python -I smoke_test.py "$wheel"
venv/bin/torch-radon --help
venv/bin/torch-radon --version
