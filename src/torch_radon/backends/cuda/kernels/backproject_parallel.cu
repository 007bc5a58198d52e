// Pixel-driven backprojection of parallel beams in two dimensions.
//
//   sinogram  [G * kPacks, V, kPad + C + kPad, kLanes * kVec]  kPacks of these are a group
//   out       [N, H, W]
//
// A thread sums kVec * kPacks images of kRows pixels, kY rows apart, over all views or a part of them:
// the detector line, interpolated linearly at the column u0 + along_x * x + along_y * y where the pixel
// is seen. Beyond the detector both columns are padding.
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y,  threadIdx.z = part
//   blockIdx    = (tile along W, tile along H, group)
//
// For some views at a time the block computes these numbers relative to the middle of its cell, in
// float64, and keeps them in shared memory; for float as fixed-point numbers with as many fraction
// bits as the columns of the cell leave.

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

// Views that a block keeps in shared memory, and those of them that are summed at a time.
constexpr int kChunk = kParts * 32;
constexpr int kRun = kChunk / kParts;

template <typename T> struct TileView;

template <>
struct alignas(16) TileView<float> {
    int near, along_x, along_y;  // of the cell's middle, less base
    int base, bits;
    float unit;  // 2^-bits

    // Splits the column at which a pixel is seen, x and y pixels off the cell's middle.
    __device__ __forceinline__ int split(int x, int y, float& f) const {
        const int u = near + x * along_x + y * along_y;
        f = (float)(u & ((1 << bits) - 1)) * unit;
        return base + (u >> bits);
    }
};

template <>
struct alignas(16) TileView<double> {
    double near, along_x, along_y;
    int base;

    __device__ __forceinline__ int split(int x, int y, double& f) const {
        const double u = near + x * along_x + y * along_y;
        const double whole = floor(u);
        f = u - whole;
        return base + (int)fmin(fmax(whole, -1e9), 1e9);
    }
};

__device__ __forceinline__ void fill(TileView<float>& t, double near, double along_x, double along_y,
                                     int pixels) {
    const double columns = pixels * fmax(fabs(along_x), fabs(along_y)) + 2.0;
    // A cell that spans more columns than an integer counts has nothing worth having.
    const double shrink = columns < 1e9 ? 1.0 : 0.0;
    t.bits = shrink ? 30 - ilogb(columns) : 0;
    t.near = (int)rint(ldexp(near, t.bits));
    t.along_x = (int)rint(ldexp(along_x * shrink, t.bits));
    t.along_y = (int)rint(ldexp(along_y * shrink, t.bits));
    t.unit = (float)ldexp(1.0, -t.bits);
}
__device__ __forceinline__ void fill(TileView<double>& t, double near, double along_x, double along_y, int) {
    t.near = near;
    t.along_x = along_x;
    t.along_y = along_y;
}

template <typename T>
__device__ __forceinline__ TileView<T> view_tile(const Geometry& g, int view, int x0, int y0) {
    const double* row = g.views + (i64)view * kViewSize;
    const double area = row[2] * row[5] - row[3] * row[4];
    const double along_x = -row[3] / area, along_y = row[2] / area;
    const double x = x0 + kCell / 2 - row[0], y = y0 + kCell / 2 - row[1];
    const double u = along_x * x + along_y * y + 0.5 * (g.columns - 1);
    // Beyond either end of the detector all columns are alike.
    const double start = fmin(fmax(u, -1e9), 1e9);
    TileView<T> t;
    t.base = (int)floor(start);
    fill(t, start - t.base, along_x, along_y, kCell);
    return t;
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
backproject_parallel(const S* sinogram, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    static_assert(kCell % kX == 0 && kCell % (kY * kRows) == 0, "a tile must lie in one cell");
    constexpr int kThreads = kLanes * kX * kY * kSplit;
    __shared__ Tile<T, kVec, kLanes, kPacks, kX * kY * kRows> tile;
    __shared__ TileView<T> chunk[kChunk];

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, dx = threadIdx.x / kLanes, dy = threadIdx.y, z = threadIdx.z;
    const int thread = threadIdx.x + kLanes * kX * (dy + kY * z);
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY * kRows, group = blockIdx.z;
    const int cell_x = x0 / kCell * kCell, cell_y = y0 / kCell * kCell;
    const int x = x0 - cell_x + dx - kCell / 2, y = y0 - cell_y + dy - kCell / 2;
    const int pitch = g.columns + 2 * kPad;
    const i64 plane = (i64)g.view_count * pitch * kLanes;
    const Pack<S, kVec>* sinograms = reinterpret_cast<const Pack<S, kVec>*>(sinogram) +
                                     group * kPacks * plane + kPad * kLanes + lane;

    for (int v0 = 0; v0 < g.view_count; v0 += kChunk) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
#pragma unroll 1
        for (int v = thread; v < count; v += kThreads) chunk[v] = view_tile<T>(g, v0 + v, cell_x, cell_y);
        __syncthreads();
#pragma unroll 1
        for (int run = 0; run < count; run += kRun * kSplit) {
            const int first = run + kRun * z, end = min(first + kRun, count);
            const Pack<S, kVec>* line = sinograms + (i64)(v0 + first) * pitch * kLanes;
            T sum[kRows][kVec * kPacks] = {};
            for (int v = first; v < end; ++v, line += pitch * kLanes) {
                Values left[kRows], right[kRows];
                T f[kRows];
#pragma unroll
                for (int r = 0; r < kRows; ++r) {
                    const int c = chunk[v].split(x, y + kY * r, f[r]);
                    const Pack<S, kVec>* at = line + (i64)min(max(c, -2), g.columns) * kLanes;
                    left[r].load(at, plane);
                    right[r].load(at + kLanes, plane);
                }
#pragma unroll
                for (int r = 0; r < kRows; ++r) {
                    left[r].add(sum[r], (T)1 - f[r]);
                    right[r].add(sum[r], f[r]);
                }
            }
            for (int turn = 0; turn < kSplit; ++turn) {
                if (turn == z) {
#pragma unroll
                    for (int r = 0; r < kRows; ++r)
                        tile.add(sum[r], lane, dx + kX * (dy + kY * r), v0 + first == 0);
                }
                if (kSplit > 1) __syncthreads();
            }
        }
    }
    tile.template write<kX, kThreads>(thread, x0, y0, group, g.batch, g.height, g.width, out);
}
