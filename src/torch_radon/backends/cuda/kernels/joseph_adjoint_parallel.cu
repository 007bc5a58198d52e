// The transpose of Joseph's forward projection of parallel beams in two dimensions, as a gather.
//
//   sinogram  [G * kPacks, V, kPad + C + kPad, kLanes * kVec]  kPacks of these are a group
//   out       [N, H, W]
//
// A thread sums kVec * kPacks images of kRows pixels, kY rows apart, over all views or a part of them.
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y,  threadIdx.z = part
//   blockIdx    = (tile along W, tile along H, group)
//
// What the pixels of its cell see of a view (parallel.cuh) the block works out for some views at a time
// and keeps in shared memory. Reading it costs as much as reading two packs, which is why a thread has
// several pixels.

#include "rays.cuh"

#include "numbers.cuh"
#include "parallel.cuh"
#include "tile.cuh"

// Views that a block keeps in shared memory, and those of them that are summed at a time.
constexpr int kChunk = kParts * 32;
constexpr int kRun = kChunk / kParts;

// A weight that is not negative. None exceeds 1, so that for float this costs nothing.
__device__ __forceinline__ float positive(float weight) { return __saturatef(weight); }
__device__ __forceinline__ double positive(double weight) { return fmax(weight, 0.0); }

// Adds two columns of a view to a thread's pixels, kAtOnce of them at a time. `line` is its
// column 0; if not kInside, columns may lie beyond the detector's ends.
template <bool kInside, int kAtOnce, int kY, typename T, typename S, int kVec, int kLanes, int kPacks, int kRows>
__device__ __forceinline__ void add_two(const TileView<T>& t, int x, int y, int columns, const Pack<S, kVec>* line,
                                        i64 plane, T (&sum)[kRows][kVec * kPacks]) {
    const T next = t.weight - t.slope * TileView<T>::one_of_two();
#pragma unroll
    for (int r0 = 0; r0 < kRows; r0 += kAtOnce) {
        Items<S, kVec, kPacks> left[kAtOnce], right[kAtOnce];
        T f[kAtOnce];
#pragma unroll
        for (int r = 0; r < kAtOnce; ++r) {
            int c = t.base + TileView<T>::split(t.at(x, y + kY * (r0 + r)), f[r]);
            // Both columns of a pixel beyond an end of the detector are padding.
            if (!kInside) c = min(max(c, -kPad), columns);
            const Pack<S, kVec>* at = line + (i64)c * kLanes;
            left[r].load(at, plane);
            right[r].load(at + kLanes, plane);
        }
#pragma unroll
        for (int r = 0; r < kAtOnce; ++r) {
            left[r].add(sum[r0 + r], positive(t.weight - t.slope * f[r]));
            right[r].add(sum[r0 + r], positive(next + t.slope * f[r]));
        }
    }
}

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kVec,    // images of a pack, read at once
          int kLanes,  // threads that share a pixel
          int kPacks,  // packs a thread sums
          int kX,      // threads of a tile along W
          int kY,      // and along H
          int kRows,   // pixels a thread, kY apart along H
          int kSplit>  // threads that share a pixel's views
__global__ void __launch_bounds__(kLanes* kX* kY* kSplit, kPixelResident<kPacks> / (kLanes* kX* kY* kSplit))
adjoint_parallel(const S* sinogram, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    typedef TileView<T> View;
    static_assert(kCell % kX == 0 && kCell % (kY * kRows) == 0, "a tile must lie in one cell");
    static_assert(kCell + 1 <= 1 << (31 - kBits), "the columns of a cell must fit kBits");
    constexpr int kThreads = kLanes * kX * kY * kSplit;
    // Rows in flight: enough independent loads, within the registers.
    constexpr int kAtOnce = kPacks == 1 ? 2 : 1;
    __shared__ Tile<T, kVec, kLanes, kPacks, kX * kY * kRows> tile;
    __shared__ View chunk[kChunk];

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, dx = threadIdx.x / kLanes, dy = threadIdx.y, z = threadIdx.z;
    const int thread = threadIdx.x + kLanes * kX * (dy + kY * z);
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY * kRows, group = blockIdx.z;
    const int cell_x = x0 / kCell * kCell, cell_y = y0 / kCell * kCell;
    const int x = x0 - cell_x + dx - kCell / 2, y = y0 - cell_y + dy - kCell / 2;
    const int pitch = g.columns + 2 * kPad;
    const double unit = unit_of(g);
    const i64 plane = (i64)g.view_count * pitch * kLanes;
    const Pack<S, kVec>* sinograms = reinterpret_cast<const Pack<S, kVec>*>(sinogram) +
                                     group * kPacks * plane + kPad * kLanes + lane;

    for (int v0 = 0; v0 < g.view_count; v0 += kChunk) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
#pragma unroll 1
        for (int v = thread; v < count; v += kThreads) view_tile<T>(g, unit, v0 + v, cell_x, cell_y, chunk[v]);
        __syncthreads();
#pragma unroll 1
        for (int run = 0; run < count; run += kRun * kSplit) {
            const int first = run + kRun * z, end = min(first + kRun, count);
            const Pack<S, kVec>* line = sinograms + (i64)(v0 + first) * pitch * kLanes;
            T sum[kRows][kVec * kPacks] = {};
            for (int v = first; v < end; ++v, line += pitch * kLanes) {
                const View& t = chunk[v];
                if (t.triangle == kInside) {
                    add_two<true, kAtOnce, kY, T, S, kVec, kLanes, kPacks>(t, x, y, g.columns, line, plane, sum);
                } else if (t.triangle == kTwo) {
                    add_two<false, kAtOnce, kY, T, S, kVec, kLanes, kPacks>(t, x, y, g.columns, line, plane, sum);
                } else {
                    const bool same = t.triangle == kSame;
                    const int taps = same ? g.columns : (int)(2 * t.reach) + 1;
                    const T one = t.one();
#pragma unroll
                    for (int r = 0; r < kRows; ++r) {
                        const auto u = t.at(x, y + kY * r);
                        int column = 0;
                        T off = (T)u + t.base * one, step = 0;
                        if (!same) {
                            column = t.base + t.first(u, off);
                            step = one;
                        }
                        const int last = min(taps, g.columns - column);
#pragma unroll 1
                        for (int k = max(0, -column); k < last; ++k) {
                            Values values;
                            values.load(line + (i64)(column + k) * kLanes, plane);
                            values.add(sum[r], positive(t.weight - t.slope * fabs(off + k * step)));
                        }
                    }
                }
            }
            for (int turn = 0; turn < kSplit; ++turn) {
                if (turn == z) {
#pragma unroll
                    for (int r = 0; r < kRows; ++r) {
#pragma unroll
                        for (int k = 0; k < kVec * kPacks; ++k) sum[r][k] *= (T)unit;
                        tile.add(sum[r], lane, dx + kX * (dy + kY * r), v0 + first == 0);
                    }
                }
                if (kSplit > 1) __syncthreads();
            }
        }
    }
    tile.template write<kX, kThreads>(thread, x0, y0, group, g.batch, g.height, g.width, out);
}
