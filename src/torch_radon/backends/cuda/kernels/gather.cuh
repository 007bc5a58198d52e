// The skeleton of the kernels that sum, for each pixel, a few columns of each view of a fan beam.
//
//   sinogram  [G * kPacks, V, kPad + C + kPad, kVec]  kVec sinograms of a pack, kPacks of them a group
//   out       [N, H, W]
//
//   threadIdx.x = x,  threadIdx.y = y,  threadIdx.z = part of the views
//   blockIdx    = (tile along W, tile along H, group)
//
// A thread sums kVec * kPacks images of kRows pixels, kY rows apart. Which columns a pixel reads and what
// they weigh takes long to work out and is the same for all images, so that a thread has as many of
// them as its registers hold. The packs lie far apart, that neighbouring pixels may read neighbouring
// addresses. What a view is to the pixels of a cell is worked out for kChunk views at a time, in
// float64, and kept in shared memory: among others how many columns each of them reads.
//
// The weights are a class with
//
//   View                        what it wants to know of a view; `taps` columns a pixel, none if no pixel
//                               of the cell is seen; `near` if the source is so near that each ray must
//                               be traced
//   View view(g, view, x, y)    of the view of that number; the pixel begins a cell
//   Pair                        a pixel and a view: the first `column` that it reads
//   Pair pair(g, view, v, x, y)
//   T weight(v, pair)           of the pair's next column
#pragma once

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

// Threads that should be resident on a multiprocessor: these kernels want about 100 registers.
constexpr int kGatherResident = 512;

// Views that a block keeps in shared memory, and those of them that are summed at a time.
constexpr int kChunk = kParts * 32;
constexpr int kRun = kChunk / kParts;

// Adds a view to a pixel of the tile, each column's ray traced.
template <typename S, int kVec, int kPacks, typename T, int kPixels>
__device__ __noinline__ void add_traced(const Geometry& g, int view, int x, int y, const Pack<S, kVec>* line,
                                        i64 plane, int place, Tile<T, kVec, 1, kPacks, kPixels>& tile) {
    T sum[kVec * kPacks] = {};
    for (int column = 0; column < g.columns; ++column) {
        const Ray ray = trace(g, view, column);
        const int along = ray.by_rows ? y : x, pixel = ray.by_rows ? x : y;
        if (along < ray.first || along >= ray.last) continue;
        const double distance = fabs(ray.intercept + ray.slope * along - pixel);
        if (distance >= 1.0) continue;
        Items<S, kVec, kPacks> values;
        values.load(line + column, plane);
        values.add(sum, (T)((1.0 - distance) * ray.weight));
    }
    tile.add(sum, 0, place, false);
}

// The parameters of the template are those of the kernels.
template <typename Weights, typename S, typename O, int kVec, int kPacks, int kX, int kY, int kRows, int kSplit>
__device__ __forceinline__ void gather(const Weights& weights, const S* sinogram, const Geometry& g, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef typename Weights::View View;
    constexpr int kThreads = kX * kY * kSplit;
    static_assert(kCell % kX == 0 && kCell % (kY * kRows) == 0, "a tile must lie in one cell");
    __shared__ Tile<T, kVec, 1, kPacks, kX * kY * kRows> tile;
    __shared__ View chunk[kChunk];

    const int dx = threadIdx.x, dy = threadIdx.y, z = threadIdx.z;
    const int thread = dx + kX * (dy + kY * z);
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY * kRows, group = blockIdx.z;
    const int pitch = g.columns + 2 * kPad;
    const i64 plane = (i64)g.view_count * pitch;
    const Pack<S, kVec>* line =
        reinterpret_cast<const Pack<S, kVec>*>(sinogram) + group * kPacks * plane + kPad;

    for (int v0 = 0; v0 < g.view_count; v0 += kChunk, line += kChunk * pitch) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
#pragma unroll 1
        for (int v = thread; v < count; v += kThreads)
            chunk[v] = weights.view(g, v0 + v, x0 / kCell * kCell, y0 / kCell * kCell);
        __syncthreads();
#pragma unroll 1
        for (int run = 0; run < count; run += kRun * kSplit) {
            const int first = run + kRun * z, end = min(first + kRun, count);
            T sum[kRows][kVec * kPacks] = {};
#pragma unroll 1
            for (int v = first; v < end; ++v) {
                const View& of_view = chunk[v];
                if (of_view.taps == 0) continue;
                typename Weights::Pair pair[kRows];
                const Pack<S, kVec>* at[kRows];
#pragma unroll
                for (int r = 0; r < kRows; ++r) {
                    pair[r] = weights.pair(g, v0 + v, of_view, x0 + dx, y0 + dy + kY * r);
                    at[r] = line + (v * pitch + pair[r].column);
                }
#pragma unroll 1
                for (int k = 0; k < of_view.taps; ++k) {
#pragma unroll
                    for (int r = 0; r < kRows; ++r) {
                        Items<S, kVec, kPacks> values;
                        values.load(at[r]++, plane);
                        const T weight = weights.weight(of_view, pair[r]);
                        // Zero times what the data may hold, NaN, is not zero.
                        if (weight != 0) values.add(sum[r], weight);
                    }
                }
            }
            for (int turn = 0; turn < kSplit; ++turn) {
                if (turn == z) {
#pragma unroll
                    for (int r = 0; r < kRows; ++r) tile.add(sum[r], 0, dx + kX * (dy + kY * r), v0 + first == 0);
                }
                if (kSplit > 1) __syncthreads();
            }
        }
#pragma unroll 1
        for (int v = 0; v < count; ++v) {
            if (!chunk[v].near || z != 0) continue;
            for (int r = 0; r < kRows; ++r)
                add_traced<S, kVec, kPacks>(g, v0 + v, x0 + dx, y0 + dy + kY * r, line + v * pitch, plane,
                                            dx + kX * (dy + kY * r), tile);
        }
    }
    tile.template write<kX, kThreads>(thread, x0, y0, group, g.batch, g.height, g.width, out);
}
