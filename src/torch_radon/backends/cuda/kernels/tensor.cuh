// Products of small matrices on tensor cores: half precision in, float32 sums.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "numbers.cuh"

#ifndef EMULATED
// sum [16, 8] += a [16, 16] * b [16, 8]. With row = lane / 4 and pair = lane % 4 a thread holds
//
//   a    numbers 2 pair, 2 pair + 1 of rows row and row + 8, and those 8 further on
//   b    the same of column row, and those 8 further on
//   sum  columns 2 pair, 2 pair + 1 of row, then of row + 8
//
// The lower number of a word is its first one.
template <typename S>
__device__ __forceinline__ void multiply(float (&sum)[4], const unsigned (&a)[2][2], const unsigned (&b)[2]);

#if __CUDA_ARCH__ >= 800
template <>
__device__ __forceinline__ void multiply<__half>(float (&sum)[4], const unsigned (&a)[2][2], const unsigned (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0][0]), "r"(a[0][1]), "r"(a[1][0]), "r"(a[1][1]), "r"(b[0]), "r"(b[1]));
}

template <>
__device__ __forceinline__ void multiply<__nv_bfloat16>(float (&sum)[4], const unsigned (&a)[2][2],
                                                        const unsigned (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0][0]), "r"(a[0][1]), "r"(a[1][0]), "r"(a[1][1]), "r"(b[0]), "r"(b[1]));
}
#endif

// Where number `octet` of so many bytes is. Unlike numbers.cuh's `forget` this leaves the compiler a choice.
__device__ __forceinline__ const void* advanced(const void* first, unsigned octet, unsigned bytes) {
    const void* result;
    asm("mad.wide.u32 %0, %1, %2, %3;" : "=l"(result) : "r"(octet), "r"(bytes), "l"(first));
    return result;
}
#endif
