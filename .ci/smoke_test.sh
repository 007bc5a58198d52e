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

# A CUDA kernel of the wheel compiles, for which no GPU is needed. The compiler comes last, so that
# everything above has worked without it.
[ "$(uname)" = Linux ] || exit 0
venv/bin/python -m pip --disable-pip-version-check install --quiet "$wheel[cu13]"
venv/bin/python -I - <<'CODE'
from torch_radon.backends.cuda.compiler import compile_kernels
from torch_radon.backends.cuda.runtime import KERNELS

cubin = compile_kernels(KERNELS / "pack.cu", ["pack<float, 1, false>"], "sm_90")
print(f"pack.cu of the wheel compiles: {len(cubin.code)} bytes for sm_90")
CODE
