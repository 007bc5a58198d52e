// Tensor cores, and what the lanes of a warp tell each other.
#pragma once

#include <algorithm>

#include "emulator.h"

#define EMULATED

struct uint2 {
    unsigned x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

template <typename T> T __ldg(const T* at) { return *at; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

template <typename T> void forget(T&) {}

inline const void* advanced(const void* first, unsigned octet, unsigned bytes) {
    return (const char*)first + (unsigned long long)octet * bytes;
}

inline int lane_number() { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }

// What every lane of a warp shows the others.
inline unsigned shown[32][32][8];

template <typename T>
T __shfl_sync(unsigned, T value, int lane) {
    static_assert(sizeof(T) == 4);
    __syncwarp();
    std::memcpy(shown[warp][lane_number()], &value, 4);
    __syncwarp();
    std::memcpy(&value, shown[warp][lane % 32], 4);
    __syncwarp();
    return value;
}

inline int __reduce_min_sync(unsigned, int value) {
    __syncwarp();
    shown[warp][lane_number()][0] = value;
    __syncwarp();
    int least = value;
    for (int lane = 0; lane < 32; ++lane) least = std::min(least, (int)shown[warp][lane][0]);
    __syncwarp();
    return least;
}

inline int __all_sync(unsigned all, int predicate) { return !__any_sync(all, !predicate); }

template <typename S> struct Two;

template <typename S>
float number(const unsigned* words, int k) {
    return k % 2 ? Two<S>::upper(words[k / 2]) : Two<S>::lower(words[k / 2]);
}

// As tensor.cuh describes it. Sums are exact here but for float32's rounding.
template <typename S>
void multiply(float (&sum)[4], const unsigned (&a)[2][2], const unsigned (&b)[2]) {
    const int lane = lane_number(), row = lane / 4, pair = lane % 4;
    __syncwarp();
    unsigned* mine = shown[warp][lane];
    for (int k = 0; k < 4; ++k) mine[k] = a[k / 2][k % 2];
    for (int k = 0; k < 2; ++k) mine[4 + k] = b[k];
    __syncwarp();
    for (int n = 0; n < 4; ++n) {
        const int column = 2 * pair + n % 2;
        double total = sum[n];
        for (int k = 0; k < 16; ++k) {
            const int half = k / 8, other = k % 8 / 2;
            const float x = number<S>(&shown[warp][4 * row + other][2 * half + n / 2], k % 2);
            const float y = number<S>(&shown[warp][4 * column + other][4 + half], k % 2);
            total += (double)x * y;
        }
        sum[n] = (float)total;
    }
    __syncwarp();
}
