// Fourier transforms of lines of kSize = 32 * kLast numbers, by kLast threads of a warp each with 32
// numbers in their registers, in two passes: of 32 numbers and of kLast.
//
//   kSize  kLast  kNear      spread   thread t holds the element t + kLast * i at i
//     128      4      2      bunched  thread t holds the element kNear * t + place(i) at i:
//     256      8      2               kNear neighbours, after them those kNear * kLast further on, until
//     512     16      2               the threads together have 32 elements, and so on every 32
//    1024     32      1
//
// One pass turns spread numbers, the other bunched ones, so that a transform goes from one order to the
// other. Global memory is accessed by neighbouring threads in neighbouring places either way.
//
// Between the passes a line is a matrix [kLast, 32] in shared memory with rows of 34: where numbers are
// spread thread t has the row t, where they are bunched kBunch whole columns. Two numbers more a row
// keep accesses of 16 bytes aligned, and down a column they touch every bank once. Only warps wait, and
// each for itself; with 8 or 16 numbers a thread all of a block would have to, several times.
#pragma once

#include "shearlet_small_fft.cuh"

typedef long long i64;

// Numbers that a thread holds, and the first radix.
constexpr int kEach = 32;

// Elements next to each other, one access to memory.
template <int kNear>
struct alignas(sizeof(Complex) * kNear) Neighbours {
    Complex item[kNear];
};

// Where an element is in a line in shared memory.
__device__ __forceinline__ constexpr int padded(int element) { return element + 2 * (element >> 5); }

template <int kSize> struct Line {
    static constexpr int kLast = kSize / kEach;   // threads of a line, and the other radix
    static constexpr int kBunch = kEach / kLast;  // numbers of a thread in 32 elements, when bunched
    static constexpr int kNear = kBunch < 2 ? 1 : 2;
    // Numbers of a line in shared memory. One place behind it can be written to, and eight lines (four
    // of 1024) begin in banks of their own.
    static constexpr int kPitch = padded(kSize) + (kSize > 512 ? 4 : 2);
    typedef Neighbours<kNear> Near;
    static_assert(kLast >= 4 && kLast <= 32 && kEach % kLast == 0, "a warp transforms a line in two passes");

    // Where the number i of a thread is in a bunched line, behind kNear * t.
    static __device__ __forceinline__ constexpr int place(int i) {
        return i / kBunch * 32 + i % kBunch / kNear * (kNear * kLast) + i % kNear;
    }
};

template <int kSize>
__device__ __forceinline__ void load_spread(Complex (&x)[kEach], const Complex* line, int t) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) x[i] = line[t + padded(i * Line<kSize>::kLast)];
}

template <int kSize>
__device__ __forceinline__ void store_spread(const Complex (&x)[kEach], Complex* line, int t) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) line[t + padded(i * Line<kSize>::kLast)] = x[i];
}

// The same for bunched numbers in global memory, without gaps.
template <int kSize>
__device__ __forceinline__ void load_bunched(Complex (&x)[kEach], const Complex* from, int t) {
    using L = Line<kSize>;
#pragma unroll
    for (int i = 0; i < kEach; i += L::kNear) {
        const typename L::Near near = *(const typename L::Near*)(from + L::kNear * t + L::place(i));
#pragma unroll
        for (int n = 0; n < L::kNear; ++n) x[i + n] = near.item[n];
    }
}

template <int kSize>
__device__ __forceinline__ void store_bunched(const Complex (&x)[kEach], Complex* to, int t) {
    using L = Line<kSize>;
#pragma unroll
    for (int i = 0; i < kEach; i += L::kNear) {
        typename L::Near near;
#pragma unroll
        for (int n = 0; n < L::kNear; ++n) near.item[n] = x[i + n];
        *(typename L::Near*)(to + L::kNear * t + L::place(i)) = near;
    }
}

// Zeros throughout a line.
template <int kSize>
__device__ __forceinline__ void clear(Complex* line, int t) {
#pragma unroll
    for (int i = 0; i < padded(kEach); i += 2) *(Neighbours<2>*)(line + padded(kEach) * t + i) = {};
}

// The transforms, x[j] <- sum over k of x[k] exp(kSign * 2 pi i j k / kSize), nothing else. All threads of
// the warp must call them.
//
//   x      the numbers of thread t of the line
//   line   shared memory, read by nobody but the line's threads before they come here
//   roots  [kLast, 32] exp(2 pi i q j / kSize) at [q, j]

template <int kSize, int kSign>
__device__ __forceinline__ void fft_spread_to_bunched(Complex (&x)[kEach], Complex* line, int t,
                                                      const Complex* roots) {
    using L = Line<kSize>;
    small_fft<kEach, kSign>(x);
    __syncwarp();
#pragma unroll
    for (int j = 0; j < kEach; j += 2) *(Neighbours<2>*)(line + padded(kEach) * t + j) = {x[j], x[j + 1]};
    __syncwarp();
    Complex y[L::kBunch][L::kLast];
#pragma unroll
    for (int q = 0; q < L::kLast; ++q)
#pragma unroll
        for (int m = 0; m < L::kBunch; m += L::kNear) {
            const int j = L::kNear * t + L::place(m);
            const typename L::Near near = *(const typename L::Near*)(line + padded(32 * q) + j);
            const typename L::Near root = *(const typename L::Near*)(roots + 32 * q + j);
#pragma unroll
            for (int n = 0; n < L::kNear; ++n)
                y[m + n][q] = q > 0 ? turned<kSign>(near.item[n], root.item[n]) : near.item[n];
        }
#pragma unroll
    for (int m = 0; m < L::kBunch; ++m) {
        small_fft<L::kLast, kSign>(y[m]);
#pragma unroll
        for (int q = 0; q < L::kLast; ++q) x[q * L::kBunch + m] = y[m][q];
    }
}

template <int kSize, int kSign>
__device__ __forceinline__ void fft_bunched_to_spread(Complex (&x)[kEach], Complex* line, int t,
                                                      const Complex* roots) {
    using L = Line<kSize>;
    Complex y[L::kBunch][L::kLast];
#pragma unroll
    for (int m = 0; m < L::kBunch; ++m) {
#pragma unroll
        for (int q = 0; q < L::kLast; ++q) y[m][q] = x[q * L::kBunch + m];
        small_fft<L::kLast, kSign>(y[m]);
    }
    __syncwarp();
#pragma unroll
    for (int q = 0; q < L::kLast; ++q)
#pragma unroll
        for (int m = 0; m < L::kBunch; m += L::kNear) {
            const int j = L::kNear * t + L::place(m);
            const typename L::Near root = *(const typename L::Near*)(roots + 32 * q + j);
            typename L::Near near;
#pragma unroll
            for (int n = 0; n < L::kNear; ++n)
                near.item[n] = q > 0 ? turned<kSign>(y[m + n][q], root.item[n]) : y[m + n][q];
            *(typename L::Near*)(line + padded(32 * q) + j) = near;
        }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < kEach; i += 2) {
        const Neighbours<2> near = *(const Neighbours<2>*)(line + padded(kEach) * t + i);
        x[i] = near.item[0];
        x[i + 1] = near.item[1];
    }
    small_fft<kEach, kSign>(x);
}
