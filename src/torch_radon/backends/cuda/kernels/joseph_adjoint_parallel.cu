// The transpose of Joseph's forward projection of parallel beams in two dimensions, as a gather.
//
//   sinogram  [G, V, kPad + C + kPad, kItems]  kItems = kLanes * kVec * kPacks sinograms of a group
//   out       [N, H, W]
//
// A thread sums kVec * kPacks images of one pixel over all views. A parallel beam sees pixel (x, y) at
// the column u = u0 + along_x * x + along_y * y, and its ray of column c passes the pixel at the
// distance |c - u| / reach along the interpolated axis, where reach is along_x or along_y, whichever
// belongs to that axis: the weight is a triangle of half-width reach columns around u. Two columns
// lie in it if reach <= 1, more on a finer detector.
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y
//   blockIdx    = (tile along W, tile along H, group)
//
// For kChunk views at a time the block computes these numbers relative to the middle of its cell, in
// float64, and keeps them in shared memory. For float they are fixed-point numbers, exact to about
// 1e-7 columns within the cell, as the forward projection's positions are.

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

constexpr int kChunk = 128;

// Fraction bits of a column relative to the cell. With two columns a triangle, along_x and along_y
// are at most 1, so that a cell spans less than 2^(31 - kBits) columns.
constexpr int kBits = 26;

template <typename T> struct Column;
template <> struct Column<float> { typedef int Type; };
template <> struct Column<double> { typedef double Type; };

template <typename T>
struct alignas(16) TileView {
    typename Column<T>::Type near, along_x, along_y;  // of the cell's middle, less base
    int base;
    T weight;        // of a ray through the pixel
    T slope;         // what a column (float: 2^-kBits of one) off takes away from it
    T next;          // weight of a ray one column off
    T reach;         // half-width of the triangle
};

__device__ __forceinline__ int to_column(double x, float) { return (int)rint(ldexp(x, kBits)); }
__device__ __forceinline__ double to_column(double x, double) { return x; }

template <typename T>
__device__ __noinline__ TileView<T> view_tile(const Geometry& g, int view, int x0, int y0) {
    const double* row = g.views + (i64)view * kViewSize;
    const double ray_x = row[2], ray_y = row[3];
    const double area = ray_x * row[5] - ray_y * row[4];
    const double along_x = -ray_y / area, along_y = ray_x / area;
    const double x = x0 + 0.5 * (kCell - 1) - row[0], y = y0 + 0.5 * (kCell - 1) - row[1];
    const double u = along_x * x + along_y * y + 0.5 * (g.columns - 1);
    const bool by_rows = fabs(ray_y) >= fabs(ray_x);
    const double reach = by_rows ? fabs(along_x) : fabs(along_y);
    const double length = hypot(ray_x * g.spacing_x, ray_y * g.spacing_y);
    const double weight = length / (by_rows ? fabs(ray_y) : fabs(ray_x));
    const bool two = reach <= 1.0;
    TileView<T> t;
    // Beyond either end of the detector all columns are alike: there is nothing to gather.
    const double start = fmin(fmax(u, -1e9), 1e9);
    t.base = (int)floor(start);
    t.near = to_column(two ? start - t.base : 0.0, T());
    t.along_x = to_column(two ? along_x : 0.0, T());
    t.along_y = to_column(two ? along_y : 0.0, T());
    t.weight = (T)weight;
    t.slope = (T)(weight / reach * (sizeof(T) == 4 ? 1.0 / (1 << kBits) : 1.0));
    t.next = (T)(weight - weight / reach);
    t.reach = (T)reach;
    return t;
}

// Splits the column at which a pixel off the cell's middle is seen.
__device__ __forceinline__ int split(const TileView<float>& t, int x2, int y2, float& f) {
    // Twice the offsets are integers; all of it is exact modulo 2^32.
    const int u = t.near + ((x2 * t.along_x + y2 * t.along_y) >> 1);
    f = (float)(u & ((1 << kBits) - 1));
    return t.base + (u >> kBits);
}
__device__ __forceinline__ int split(const TileView<double>& t, int x2, int y2, double& f) {
    const double u = t.near + 0.5 * (x2 * t.along_x + y2 * t.along_y);
    const double whole = floor(u);
    f = u - whole;
    return t.base + (int)whole;
}

// How a view with more than two columns in the triangle, or whose rays run along the detector, sees a
// pixel: columns [first, last], each weighing weight - slope * |column - u|.
struct WideView {
    double u, weight, slope;
    int first, last;
};

__device__ __noinline__ WideView view_wide(const Geometry& g, int view, int x, int y) {
    const double* row = g.views + (i64)view * kViewSize;
    const double ray_x = row[2], ray_y = row[3];
    const double area = ray_x * row[5] - ray_y * row[4];
    const bool by_rows = fabs(ray_y) >= fabs(ray_x);
    const double along = by_rows ? ray_y : ray_x;
    const double length = hypot(ray_x * g.spacing_x, ray_y * g.spacing_y) / fabs(along);
    // Distance of the middle column's ray along the interpolated axis.
    const double off = (ray_x * (y - row[1]) - ray_y * (x - row[0])) / along;
    const double reach = fabs(along / area);
    WideView w;
    w.u = (ray_x * (y - row[1]) - ray_y * (x - row[0])) / area + 0.5 * (g.columns - 1);
    w.weight = length;
    w.slope = length / reach;
    w.first = 0;
    w.last = g.columns - 1;
    if (reach < 1e9) {
        w.first = (int)fmax(0.0, ceil(fmin(w.u - reach, 1e9)));
        w.last = (int)fmin(g.columns - 1.0, floor(fmax(w.u + reach, -1e9)));
    } else {
        // All columns have one and the same ray.
        w.u = w.slope = 0.0;
        w.weight = length * fmax(1.0 - fabs(off), 0.0);
    }
    return w;
}

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kVec,    // images of a pack, read at once
          int kLanes,  // threads that share a pixel
          int kPacks,  // packs a thread sums
          int kX,      // pixels of a tile along W
          int kY>      // and along H
__global__ void __launch_bounds__(kLanes* kX* kY, kResident / (kLanes* kX* kY))
adjoint_parallel(const S* sinogram, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    static_assert(kCell % kX == 0 && kCell % kY == 0, "a tile must lie in one cell");
    static_assert(2 * kCell <= 1 << (31 - kBits), "the columns of a cell must fit kBits");
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
        bool narrow = true;
        for (int v = threadIdx.x + threadIdx.y * blockDim.x; v < count; v += kThreads) {
            chunk[v] = view_tile<T>(g, v0 + v, cell_x, cell_y);
            narrow = narrow && chunk[v].reach <= (T)1;
        }
        if (__syncthreads_and(narrow)) {
#pragma unroll 2
            for (int v = 0; v < count; ++v) {
                const TileView<T> t = chunk[v];
                T f;
                // Both columns of a pixel beyond an end of the detector are padding.
                const int c = min(max(split(t, x2, y2, f), -2), g.columns);
                const Pack<S, kVec>* at = line + (v * pitch + c) * kStride;
                Values left, right;
                left.load(at, kLanes);
                right.load(at + kStride, kLanes);
                left.add(sum, max(t.weight - t.slope * f, (T)0));
                right.add(sum, max(t.next + t.slope * f, (T)0));
            }
        } else {
            for (int v = 0; v < count; ++v) {
                const WideView w = view_wide(g, v0 + v, x0 + dx, y0 + dy);
                const Pack<S, kVec>* at = line + (i64)v * pitch * kStride;
                for (int c = w.first; c <= w.last; ++c) {
                    Values values;
                    values.load(at + c * kStride, kLanes);
                    values.add(sum, (T)fmax(w.weight - w.slope * fabs(c - w.u), 0.0));
                }
            }
        }
        line += (i64)kChunk * pitch * kStride;
    }
    write_tile<O, kVec, kLanes, kPacks, kX, kY>(sum, lane, dx, dy, x0, y0, group, g.batch, g.height,
                                                g.width, out);
}
