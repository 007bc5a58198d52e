"""What a test needs that compiles CUDA kernels: NVRTC, but no GPU."""

import sys
from pathlib import Path

import pytest

# Elsewhere the extra `test` brings it, and without it these tests fail.
needs_nvrtc = pytest.mark.skipif(
    sys.platform not in ("linux", "win32"), reason="NVRTC exists for Linux and Windows only"
)

# Scales x into y. Other sizes of parameters than a pointer's are there to be got wrong.
SOURCE = """
#include <cuda_fp16.h>
#include "factor.cuh"

template <typename T, int N>
__global__ void scale(const T* x, float* y, int n, float a, long long shift, double b) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = kFactor * N * a * float(x[i]) + float(shift) + float(b);
}

// Reverses x through dynamic shared memory, one block.
__global__ void reverse(float* x, int n) {
    extern __shared__ float line[];
    for (int i = threadIdx.x; i < n; i += blockDim.x) line[i] = x[i];
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) x[i] = line[n - 1 - i];
}
"""
HEADER = '#include "nested.cuh"\nconstexpr float kFactor = kNested;\n'
NESTED = "constexpr float kNested = 1.0f;\n"

SCALE, REVERSE = "scale<float, 2>", "reverse"
KERNELS = {SCALE: "PPifqd", "scale<__half, 2>": "PPifqd", REVERSE: "Pi"}


def write_source(folder: Path) -> Path:
    """Write a kernel and its headers; return the file to compile."""
    folder.mkdir(exist_ok=True)
    (folder / "factor.cuh").write_text(HEADER)
    (folder / "nested.cuh").write_text(NESTED)
    source = folder / "scale.cu"
    source.write_text(SOURCE)
    return source
