// Pixel-driven backprojection of parallel beams in two dimensions.
//
//   sinogram  [G, V, kPad + C + kPad, kItems]  kItems = kLanes * kVec * kPacks sinograms of a group
//   out       [N, H, W]
//
// A thread sums kVec * kPacks images of one pixel over all views: the detector line, interpolated
// linearly at the column u0 + along_x * x + along_y * y where the pixel is seen. Beyond the detector
// both columns are padding.
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y
//   blockIdx    = (tile along W, tile along H, group)
//
// For kChunk views at a time the block computes these numbers relative to the middle of its cell, in
// float64, and keeps them in shared memory; for float as fixed-point numbers with as many fraction
// bits as the columns of the cell leave.

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

constexpr int kChunk = 128;

template <typename T> struct TileView;

template <>
struct alignas(16) TileView<float> {
    int near, along_x, along_y;  // of the cell's middle, less base; along: of half a pixel
    int base, bits;
    float unit;  // 2^-bits

    // Splits the column at which a pixel is seen, x2 and y2 half pixels off the cell's middle.
    __device__ __forceinline__ int split(int x2, int y2, float& f) const {
        const int u = near + x2 * along_x + y2 * along_y;
        f = (float)(u & ((1 << bits) - 1)) * unit;
        return base + (u >> bits);
    }
};

template <>
struct alignas(16) TileView<double> {
    double near, along_x, along_y;
    int base;

    __device__ __forceinline__ int split(int x2, int y2, double& f) const {
        const double u = near + x2 * along_x + y2 * along_y;
        const double whole = floor(u);
        f = u - whole;
        return base + (int)fmin(fmax(whole, -1e9), 1e9);
    }
};

__device__ __forceinline__ void fill(TileView<float>& t, double near, double along_x, double along_y,
                                     int half_pixels) {
    const double columns = half_pixels * fmax(fabs(along_x), fabs(along_y)) + 2.0;
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
__device__ __noinline__ TileView<T> view_tile(const Geometry& g, int view, int x0, int y0) {
    const double* row = g.views + (i64)view * kViewSize;
    const double area = row[2] * row[5] - row[3] * row[4];
    const double along_x = -row[3] / area, along_y = row[2] / area;
    const double x = x0 + 0.5 * (kCell - 1) - row[0], y = y0 + 0.5 * (kCell - 1) - row[1];
    const double u = along_x * x + along_y * y + 0.5 * (g.columns - 1);
    // Beyond either end of the detector all columns are alike.
    const double start = fmin(fmax(u, -1e9), 1e9);
    TileView<T> t;
    t.base = (int)floor(start);
    fill(t, start - t.base, 0.5 * along_x, 0.5 * along_y, 2 * kCell);
    return t;
}

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kVec,    // images of a pack, read at once
          int kLanes,  // threads that share a pixel
          int kPacks,  // packs a thread sums
          int kX,      // pixels of a tile along W
          int kY>      // and along H
__global__ void __launch_bounds__(kLanes* kX* kY, kResident / (kLanes* kX* kY))
backproject_parallel(const S* sinogram, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    static_assert(kCell % kX == 0 && kCell % kY == 0, "a tile must lie in one cell");
    constexpr int kThreads = kLanes * kX * kY;
    constexpr int kStride = kLanes * kPacks;
    __shared__ TileView<T> chunk[kChunk];

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, dx = threadIdx.x / kLanes, dy = threadIdx.y;
    const int x0 = blockIdx.x * kX, y0 = blockIdx.y * kY, group = blockIdx.z;
    const int cell_x = x0 / kCell * kCell, cell_y = y0 / kCell * kCell;
    const int x2 = 2 * (x0 - cell_x + dx) - (kCell - 1), y2 = 2 * (y0 - cell_y + dy) - (kCell - 1);
    const int pitch = g.columns + 2 * kPad;
    const Pack<S, kVec>* line = reinterpret_cast<const Pack<S, kVec>*>(sinogram) +
                                ((i64)group * g.view_count * pitch + kPad) * kStride + lane;

    T sum[kVec * kPacks] = {};
    for (int v0 = 0; v0 < g.view_count; v0 += kChunk) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
        for (int v = threadIdx.x + threadIdx.y * blockDim.x; v < count; v += kThreads)
            chunk[v] = view_tile<T>(g, v0 + v, cell_x, cell_y);
        __syncthreads();
#pragma unroll 2
        for (int v = 0; v < count; ++v) {
            T f;
            const int c = min(max(chunk[v].split(x2, y2, f), -2), g.columns);
            const Pack<S, kVec>* at = line + (v * pitch + c) * kStride;
            Values left, right;
            left.load(at, kLanes);
            right.load(at + kStride, kLanes);
            left.add(sum, (T)1 - f);
            right.add(sum, f);
        }
        line += (i64)kChunk * pitch * kStride;
    }
    write_tile<O, kVec, kLanes, kPacks, kX, kY>(sum, lane, dx, dy, x0, y0, group, g.batch, g.height,
                                                g.width, out);
}
