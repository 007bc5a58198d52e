// The skeleton of the kernels that sum, for each pixel, a few columns of each view of a fan beam.
//
// For a parallel beam what a pixel reads is so cheap to work out that kernels of their own, which do
// not share it, are faster.
//
//   sinogram  [G, V, kPad + C + kPad, kItems]  kItems = kLanes * kVec * kPacks sinograms of a group
//   out       [N, H, W]
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y
//   blockIdx    = (tile along W, tile along H, group)
//
// A thread sums kVec * kPacks images of one pixel. Which columns it reads and what they weigh is the
// same for all images: for kStep views at a time the threads of the block work that out for their
// pairs of pixel and view, and the lanes of a pixel share it through shared memory. What a view is to
// all pixels is computed before, for kChunk views at a time, in float64.
//
// The weights are a class with
//
//   View                                what it wants to know of a view
//   kTaps                               neighbouring columns that a pair has at once
//   View view(g, view)                  of the view of that number
//   bool taps(g, view, v, x, y, part, taps)
//                                       fills columns number `part` of a pair; whether more follow
#pragma once

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

// Threads that should be resident on a multiprocessor: these kernels want more than 64 registers.
constexpr int kGatherResident = 512;

// kTaps columns from `column` on. Those that weigh nothing are not read, wherever they are.
template <typename T, int kTaps>
struct alignas(16) Taps {
    int column;
    T weight[kTaps];
};

template <typename Weights, typename S, typename O, int kVec, int kLanes, int kPacks, int kX, int kY>
__device__ __forceinline__ void gather(const Weights& weights, const S* sinogram, const Geometry& g, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    constexpr int kTaps = Weights::kTaps;
    constexpr int kPixels = kX * kY;
    constexpr int kThreads = kLanes * kPixels;
    constexpr int kStride = kLanes * kPacks;
    constexpr int kChunk = 64;
    // Views that are worked out together. Pairs of more than kTaps columns are summed part by part
    // within a step, in an order that is the same for every layout.
    constexpr int kStep = 8;
    static_assert(kChunk % kStep == 0, "a chunk must be whole steps");
    __shared__ typename Weights::View chunk[kChunk];
    __shared__ Taps<T, kTaps> shared_taps[kLanes > 1 ? kStep * kPixels : 1];

    const int lane = threadIdx.x % kLanes, dx = threadIdx.x / kLanes, dy = threadIdx.y;
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY, group = blockIdx.z;
    const int thread = threadIdx.x + threadIdx.y * blockDim.x;
    const int pitch = g.columns + 2 * kPad;
    const Pack<S, kVec>* line = reinterpret_cast<const Pack<S, kVec>*>(sinogram) +
                                ((i64)group * g.view_count * pitch + kPad) * kStride + lane;

    T sum[kVec * kPacks] = {};
    const auto read = [&](const Taps<T, kTaps>& taps, const Pack<S, kVec>* at) {
        at += taps.column * kStride;
        Values values[kTaps] = {};
#pragma unroll
        for (int k = 0; k < kTaps; ++k)
            if (taps.weight[k] != 0) values[k].load(at + k * kStride, kLanes);
#pragma unroll
        for (int k = 0; k < kTaps; ++k) values[k].add(sum, taps.weight[k]);
    };

    for (int v0 = 0; v0 < g.view_count; v0 += kChunk) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
        for (int v = thread; v < count; v += kThreads) chunk[v] = weights.view(g, v0 + v);
        __syncthreads();
        if constexpr (kLanes == 1) {
            for (int v = 0; v < count; v += kStep, line += kStep * pitch * kStride) {
                unsigned pending = (1u << min(kStep, count - v)) - 1;
                for (int part = 0; pending; ++part)
                    for (int w = 0; w < kStep; ++w) {
                        if (!(pending >> w & 1)) continue;
                        Taps<T, kTaps> taps;
                        if (!weights.taps(g, v0 + v + w, chunk[v + w], x0 + dx, y0 + dy, part, taps))
                            pending &= ~(1u << w);
                        read(taps, line + w * (pitch * kStride));
                    }
            }
        } else {
            const int mine = dx + dy * kX;
            for (int v = 0; v < count; v += kStep, line += kStep * pitch * kStride) {
                int more = 1;
                for (int part = 0; more; ++part) {
                    bool follow = false;
                    __syncthreads();
                    // Neighbouring threads take neighbouring pixels.
#pragma unroll 1
                    for (int pair = thread; pair < kStep * kPixels; pair += kThreads) {
                        const int of = pair / kPixels, pixel = pair % kPixels;
                        Taps<T, kTaps> taps = {};
                        if (v + of < count)
                            follow |= weights.taps(g, v0 + v + of, chunk[v + of], x0 + pixel % kX,
                                                   y0 + pixel / kX, part, taps);
                        shared_taps[pair] = taps;
                    }
                    more = __syncthreads_or(follow);
#pragma unroll 2
                    for (int w = 0; w < kStep; ++w)
                        read(shared_taps[w * kPixels + mine], line + w * (pitch * kStride));
                }
            }
        }
    }
    write_tile<O, kVec, kLanes, kPacks, kX, kY>(sum, lane, dx, dy, x0, y0, group, g.batch, g.height,
                                                g.width, out);
}
