// What the threads of a warp find out together.
#pragma once

// All of them.
constexpr unsigned kWarp = 0xffffffffu;

__device__ __forceinline__ int least(int x) {
#if defined(EMULATED) || __CUDA_ARCH__ >= 800
    return __reduce_min_sync(kWarp, x);
#else
    for (int other = 16; other > 0; other /= 2) x = min(x, __shfl_xor_sync(kWarp, x, other));
    return x;
#endif
}

__device__ __forceinline__ int greatest(int x) { return -least(-x); }
