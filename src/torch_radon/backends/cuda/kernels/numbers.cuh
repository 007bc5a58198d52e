// Numbers in memory and in registers: packs of neighbouring batch items, and the type that sums are
// formed in. Half precision is storage only.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "rays.cuh"

template <typename S> struct Accumulator { typedef float Type; };
template <> struct Accumulator<double> { typedef double Type; };

// kVec neighbouring items, loaded and stored as one word of up to 16 bytes.
template <typename S, int kVec>
struct alignas(sizeof(S) * kVec) Pack {
    static_assert(sizeof(S) * kVec <= 16, "a pack must fit one 16-byte access");
    S item[kVec];
};

#ifndef EMULATED
// Makes the compiler forget how an index was made. Else it folds the size of what is indexed into that, a
// shift of 64-bit numbers and more, where one multiplication and addition makes the address.
__device__ __forceinline__ void forget(unsigned& index) { asm("" : "+r"(index)); }

// The same for where counting begins, in global memory.
template <typename P>
__device__ __forceinline__ void forget(const P*& first) {
    asm("" : "+l"(first));
    __builtin_assume(__isGlobal(first));
}
#endif

__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ double widen(double x) { return x; }
__device__ __forceinline__ float widen(__half x) { return __half2float(x); }
__device__ __forceinline__ float widen(__nv_bfloat16 x) { return __bfloat162float(x); }

// Two numbers of half precision in a word.
template <typename S> struct Two;

template <>
struct Two<__half> {
    static __device__ __forceinline__ unsigned of(float lower, float upper) {
        const __half2 two = __floats2half2_rn(lower, upper);
        return reinterpret_cast<const unsigned&>(two);
    }
    static __device__ __forceinline__ float lower(unsigned two) {
        return __low2float(reinterpret_cast<const __half2&>(two));
    }
    static __device__ __forceinline__ float upper(unsigned two) {
        return __high2float(reinterpret_cast<const __half2&>(two));
    }
};

template <>
struct Two<__nv_bfloat16> {
    static __device__ __forceinline__ unsigned of(float lower, float upper) {
        const __nv_bfloat162 two = __floats2bfloat162_rn(lower, upper);
        return reinterpret_cast<const unsigned&>(two);
    }
    static __device__ __forceinline__ float lower(unsigned two) { return __uint_as_float(two << 16); }
    static __device__ __forceinline__ float upper(unsigned two) { return __uint_as_float(two & 0xffff0000u); }
};

// An item of a pack. The compiler takes one operation more where it does not see the word of two.
template <typename S, int kVec>
__device__ __forceinline__ auto item_of(const Pack<S, kVec>& pack, int k) {
    return widen(pack.item[k]);
}
template <int kVec>
__device__ __forceinline__ float item_of(const Pack<__nv_bfloat16, kVec>& pack, int k) {
    if constexpr (kVec == 1) return widen(pack.item[k]);
    const unsigned two = reinterpret_cast<const unsigned*>(pack.item)[k / 2];
    return k % 2 ? Two<__nv_bfloat16>::upper(two) : Two<__nv_bfloat16>::lower(two);
}

template <typename O> struct Narrow;
template <> struct Narrow<float> {
    static __device__ __forceinline__ float of(float x) { return x; }
};
template <> struct Narrow<double> {
    static __device__ __forceinline__ double of(double x) { return x; }
};
template <> struct Narrow<__half> {
    static __device__ __forceinline__ __half of(float x) { return __float2half_rn(x); }
};
template <> struct Narrow<__nv_bfloat16> {
    static __device__ __forceinline__ __nv_bfloat16 of(float x) { return __float2bfloat16_rn(x); }
};

// The pack of a thread in pixel `index`, where kLanes threads have theirs side by side.
template <int kLanes, typename S, int kVec>
__device__ __forceinline__ const Pack<S, kVec>* packs_at(const Pack<S, kVec>* first, unsigned index) {
    forget(index);
    return first + (u64)index * kLanes;
}

// What a thread reads of a pixel or a column: kPacks packs, a whole plane of packs apart.
template <typename S, int kVec, int kPacks>
struct Items {
    Pack<S, kVec> pack[kPacks];

    __device__ __forceinline__ void load(const Pack<S, kVec>* at, i64 plane) {
#pragma unroll
        for (int p = 0; p < kPacks; ++p) pack[p] = at[p * plane];
    }

    // Adds weight * items to the sums.
    template <typename T>
    __device__ __forceinline__ void add(T (&sum)[kPacks * kVec], T weight) const {
#pragma unroll
        for (int p = 0; p < kPacks; ++p)
#pragma unroll
            for (int k = 0; k < kVec; ++k)
                sum[p * kVec + k] = fma(weight, (T)item_of(pack[p], k), sum[p * kVec + k]);
    }
};
