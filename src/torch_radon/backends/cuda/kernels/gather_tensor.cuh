// The skeleton of the kernels that sum, for each pixel, a few columns of each view of large batches in
// half precision, on tensor cores.
//
//   sinogram  as in octets.cuh, 16 * kTiles of them a group
//   out       [N, H, W]
//
// A warp sums the images of a group over a square of 4 x 4 pixels. In a view the square sees columns of
// one window of eight, so that two views are a product of matrices on a tensor core, for either half:
//
//   16 images  x  8 columns of a view, 8 of the next  (multiply's a, read as it lies in memory)
//   16 columns x  4 x 2 pixels                        (b, the weights, made here)
//
// A weight is the sum of two numbers of half precision: as exact as results need that are rounded to one.
// Squares that see more columns, on a finer detector, take several windows. Tensor cores round sums
// towards zero, which is why they are taken out after kTensorRun views. The windows of these are found
// by as many threads at once.
//
//   lane     = pair + 4 * pixel making weights; pair + 4 * row for images; half a pixel + 4 * row for sums
//   block    = (32, kX / 4, kY / 4)
//   blockIdx = (tile along W, tile along H, group)
//
// A product of zero and a value that is not finite is none: where sums are not finite, and where a view
// has no simple weights, its columns are gone through one by one.
//
// The weights are a class with
//
//   View                                of a view, as the pixels of a cell see it
//   View view(g, view, x, y)            of the view of that number; pixel (x, y) begins the cell
//   int window(v, x, y, columns, count) the first column that the square around (x, y) of the cell sees, and
//                                       how many, or kSlow if they must be gone through
//   Columns columns(v, place, octet)    what the weights of the thread's columns of an octet have in common, its
//                                       place in the line and its number in the sinogram
//   weights(v, columns, x, y, weight)   of pixel (x, y) of the cell, over `unit`
//   float weight(g, view, v, x, y, c, cell_x, cell_y)  of one column in any view, over `unit`
//   float unit                          a power of two that no weight exceeds
#pragma once

#include "rays.cuh"

#include "numbers.cuh"
#include "octets.cuh"
#include "tensor.cuh"
#include "tile.cuh"
#include "warp.cuh"

// Threads that should be resident on a multiprocessor.
constexpr int kTensorResident = 1024;

// Views that a block keeps in shared memory, and those of them that are summed at a time.
constexpr int kTensorChunk = 128;
constexpr int kTensorRun = 32;

constexpr int kSquare = 4;
constexpr int kSlow = -1;

// Adds two views of a run, whose threads hold the windows' places. The first one's line begins at octet
// `line`, the second one's at `next`.
template <typename S, int kTiles, typename Kind>
__device__ __forceinline__ void add_views(const Kind& kind, const typename Kind::View* views, int lane,
                                          unsigned line, unsigned next, int places, const unsigned* words, int x,
                                          int y, float (&sum)[2][kTiles][4]) {
    const int pair = threadIdx.x % 4;
    unsigned value[kTiles][2][2], weight[2][2][2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
        const unsigned place = __shfl_sync(kWarp, places, lane + k) + 2 * (3 - pair);
        const unsigned octet = place / kOctet + (k == 0 ? line : next);
        const uint2* at = static_cast<const uint2*>(advanced(words, octet, kTiles * kTileWords * sizeof(unsigned)));
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
            const uint2 two = __ldg(at + m * (kTileWords / 2));
            value[m][k][0] = two.x;
            value[m][k][1] = two.y;
        }
        const auto columns = kind.columns(views[k], place / kOctet * kOctet, octet);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float exact[2];
            kind.weights(views[k], columns, x, y + 2 * half, exact);
            const unsigned high = Two<S>::of(exact[0], exact[1]);
            weight[half][0][k] = high;
            weight[half][1][k] = Two<S>::of(exact[0] - Two<S>::lower(high), exact[1] - Two<S>::upper(high));
        }
    }
#pragma unroll
    for (int part = 0; part < 2; ++part)
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int m = 0; m < kTiles; ++m) multiply<S>(sum[half][m], value[m], weight[half][part]);
}

// A thread's sums over the views [begin, end), column by column, for values of any kind.
template <typename S, int kTiles, typename Kind>
__device__ __noinline__ void go_through(const Kind& kind, const Geometry& g, int v0, const typename Kind::View* chunk,
                                        int begin, int end, const unsigned* words, int x, int y, int cell_x,
                                        int cell_y, float (&sum)[2][kTiles][4]) {
    const int pair = threadIdx.x % 4;
    const i64 pitch = octet_pitch(g.columns) / kOctet;
    for (int k = 0; k < 8 * kTiles; ++k) (&sum[0][0][0])[k] = 0.0f;
    for (int v = begin; v < end; ++v) {
        int count, first = kind.window(chunk[v], x + 1.5f, y + 1.5f, g.columns, count);
        if (count == kSlow) {
            first = 0;
            count = g.columns;
        }
        for (int c = max(first, 0); c < min(first + count, g.columns); ++c) {
            const int place = c + kMargin;
            // The thread's words are those of its own pair.
            const unsigned* at = words + ((v0 + v) * pitch + place / kOctet) * (kTiles * kTileWords) +
                                 (place % kOctet / 2 - pair) * 8;
            for (int p = 0; p < 4; ++p) {
                const int pixel = 2 * pair + p % 2;
                const float weight = kind.weight(g, v0 + v, chunk[v], x + pixel % kSquare,
                                                 y + p / 2 * 2 + pixel / kSquare, c, cell_x, cell_y);
                if (weight == 0.0f) continue;
                for (int k = 0; k < 2 * kTiles; ++k) {
                    const unsigned two = at[k / 2 * kTileWords + k % 2];
                    float& total = sum[p / 2][k / 2][k % 2 * 2 + p % 2];
                    total = fma(weight, place % 2 ? Two<S>::upper(two) : Two<S>::lower(two), total);
                }
            }
        }
    }
}

// The parameters of the template are those of the kernels.
template <typename S, typename O, int kTiles, int kX, int kY, typename Kind>
__device__ __forceinline__ void gather_tensor(const Kind& kind, const unsigned* sinogram, const Geometry& g, O* out) {
#if defined(EMULATED) || __CUDA_ARCH__ >= 800
    constexpr int kThreads = 2 * kX * kY;
    static_assert(kCell % kX == 0 && kCell % kY == 0, "a tile must lie in one cell");
    __shared__ Tile<float, 2, 8, kTiles, kX * kY> tile;
    __shared__ typename Kind::View chunk[kTensorChunk];

    const int lane = threadIdx.x, row = lane / 4, pair = lane % 4;
    const int thread = lane + 32 * (threadIdx.y + kX / kSquare * threadIdx.z);
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY, group = blockIdx.z;
    const int cell_x = x0 / kCell * kCell, cell_y = y0 / kCell * kCell;
    // The square's corner and the thread's pixel, relative to the middle of the cell.
    const int corner_x = x0 + kSquare * threadIdx.y - cell_x - kCell / 2;
    const int corner_y = y0 + kSquare * threadIdx.z - cell_y - kCell / 2;
    const int x = corner_x + row % kSquare, y = corner_y + row / kSquare;
    const unsigned pitch = octet_pitch(g.columns) / kOctet;
    const unsigned* words =
        sinogram + word_of(row, pair) + (i64)group * g.view_count * pitch * (kTiles * kTileWords);

    for (int v0 = 0; v0 < g.view_count; v0 += kTensorChunk) {
        const int end = min(kTensorChunk, g.view_count - v0);
        __syncthreads();
#pragma unroll 1
        // An odd one is followed by itself, which reads zeros.
        for (int v = thread; v < end + end % 2; v += kThreads)
            chunk[v] = kind.view(g, v0 + min(v, end - 1), cell_x, cell_y);
        __syncthreads();
#pragma unroll 1
        for (int run = 0; run < end; run += kTensorRun) {
            const int run_end = min(run + kTensorRun, end);
            int first = 0, count = 0;
            if (run + lane < run_end) first = kind.window(chunk[run + lane], corner_x + 1.5f, corner_y + 1.5f, g.columns, count);
            bool plain = count != kSlow;
            // Windows begin at an even column, in the margin at the latest.
            const int windows = greatest(count > 0 ? count / kOctet + 1 : 0);
            first = (max(first, -kMargin) + kMargin) & ~1;
            float sum[2][kTiles][4] = {};
#pragma unroll 1
            for (int w = 0; w < windows; ++w) {
                // Beyond its own windows, and beyond the detector, a view reads zeros.
                const int begin = first + kOctet * w;
                const bool reads = count > 0 && kOctet * w <= count && begin < g.columns + kMargin;
                const int place = reads ? begin : g.columns + kMargin + 1;
#pragma unroll 1
                for (int v = run; v < run_end; v += 2) {
                    const unsigned line = (v0 + v) * pitch;
                    add_views<S, kTiles>(kind, chunk + v, v - run, line, v + 1 < run_end ? line + pitch : line, place,
                                         words, x, y, sum);
                }
            }
            float size = 0.0f;
#pragma unroll
            for (int k = 0; k < 8 * kTiles; ++k) size += fabs((&sum[0][0][0])[k]);
            if (!__all_sync(kWarp, plain && size <= 3e38f))
                go_through<S, kTiles>(kind, g, v0, chunk, run, run_end, words, corner_x, corner_y, cell_x, cell_y, sum);
#pragma unroll
            for (int p = 0; p < 4; ++p) {
                const int pixel = 2 * pair + p % 2;
                const int place_x = kSquare * threadIdx.y + pixel % kSquare;
                const int place_y = kSquare * threadIdx.z + p / 2 * 2 + pixel / kSquare;
                float of_pixel[2 * kTiles];
#pragma unroll
                for (int k = 0; k < 2 * kTiles; ++k)
                    of_pixel[k] = kind.unit * sum[p / 2][k / 2][k % 2 * 2 + p % 2];
                tile.add(of_pixel, row, place_x + kX * place_y, v0 + run == 0);
            }
        }
    }
    tile.template write<kX, kThreads>(thread, x0, y0, group, g.batch, g.height, g.width, out);
#endif
}
