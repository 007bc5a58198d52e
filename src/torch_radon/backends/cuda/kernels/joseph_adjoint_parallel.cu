// The transpose of Joseph's forward projection of parallel beams in two dimensions, as a gather.
//
//   sinogram  [G * kPacks, V, kPad + C + kPad, kLanes * kVec]  kPacks of these are a group
//   out       [N, H, W]
//
// A thread sums kVec * kPacks images of kRows pixels, kY rows apart, over all views or a part of them.
// A parallel beam sees pixel (x, y) at the column u = u0 + along_x * x + along_y * y, and its ray of
// column c passes the pixel at the distance |c - u| / reach along the interpolated axis, where reach is
// along_x or along_y, whichever belongs to that axis: the weight is a triangle of half-width reach
// columns around u. Two columns lie in it if reach <= 1, more on a finer detector.
//
//   threadIdx.x = lane + kLanes * x,  threadIdx.y = y,  threadIdx.z = part
//   blockIdx    = (tile along W, tile along H, group)
//
// For some views at a time the block computes these numbers relative to the middle of its cell, in
// float64, and keeps them in shared memory. For float they are fixed-point numbers, exact to about
// 1e-7 columns within the cell, as the forward projection's positions are. Reading them costs as much
// as reading two packs, which is why a thread has several pixels.

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

// Views that a block keeps in shared memory, and those of them that are summed at a time.
constexpr int kChunk = kParts * 32;
constexpr int kRun = kChunk / kParts;

// Fraction bits of a column relative to the cell. With two columns a triangle, along_x and along_y
// are at most 1, so that a cell spans less than 2^(31 - kBits) columns.
constexpr int kBits = 26;

// Triangles that are wider belong to rays along the detector: all columns have the same ray.
constexpr double kWidest = 1 << 24;

// A view as the pixels of a cell see it.
template <typename T> struct TileView;

template <>
struct alignas(16) TileView<float> {
    int near, along_x, along_y;  // of the cell's middle, less base
    int base;
    float weight;  // of a ray through the pixel
    float slope;   // what 2^-bits of a column off takes away from it; its sign says how wide the triangle is
    float reach;   // half-width of the triangle
    int bits;

    __device__ __forceinline__ void place(double at, double x, double y, int fraction_bits) {
        bits = fraction_bits;
        near = (int)rint(ldexp(at, bits));
        along_x = (int)rint(ldexp(x, bits));
        along_y = (int)rint(ldexp(y, bits));
        slope = (float)ldexp(slope, -bits);
    }
    // Exact modulo 2^32.
    __device__ __forceinline__ int at(int x, int y) const { return near + x * along_x + y * along_y; }
    static __device__ __forceinline__ int split(int u, float& f) {
        f = (float)(u & ((1 << kBits) - 1));
        return u >> kBits;
    }
    // The first column of a triangle, and how far off its middle it is.
    __device__ __forceinline__ int first(int u, float& off) const {
        const int column = ((u - (int)(reach * one())) >> bits) + 1;
        off = (float)((column << bits) - u);
        return column;
    }
    // A column, in the unit of these distances.
    __device__ __forceinline__ float one() const { return (float)(1 << bits); }
    static __device__ __forceinline__ float one_of_two() { return (float)(1 << kBits); }
};

template <>
struct alignas(16) TileView<double> {
    double near, along_x, along_y;
    int base;
    double weight, slope, reach;

    __device__ __forceinline__ void place(double at, double x, double y, int) {
        near = at;
        along_x = x;
        along_y = y;
    }
    __device__ __forceinline__ double at(int x, int y) const { return near + x * along_x + y * along_y; }
    static __device__ __forceinline__ int split(double u, double& f) {
        const double whole = floor(u);
        f = u - whole;
        return (int)whole;
    }
    __device__ __forceinline__ int first(double u, double& off) const {
        const double column = floor(u - reach) + 1.0;
        off = column - u;
        return (int)column;
    }
    static __device__ __forceinline__ double one() { return 1.0; }
    static __device__ __forceinline__ double one_of_two() { return 1.0; }
};

template <typename T>
__device__ __forceinline__ void view_tile(const Geometry& g, int view, int x0, int y0, TileView<T>& t) {
    const double* row = g.views + (i64)view * kViewSize;
    const double ray_x = row[2], ray_y = row[3];
    const double area = ray_x * row[5] - ray_y * row[4];
    const double along_x = -ray_y / area, along_y = ray_x / area;
    const double x = x0 + kCell / 2 - row[0], y = y0 + kCell / 2 - row[1];
    const double u = along_x * x + along_y * y + 0.5 * (g.columns - 1);
    const bool by_rows = fabs(ray_y) >= fabs(ray_x);
    const double reach = by_rows ? fabs(along_x) : fabs(along_y);
    const double length = hypot(ray_x * g.spacing_x, ray_y * g.spacing_y);
    const double weight = length / (by_rows ? fabs(ray_y) : fabs(ray_x));
    t.weight = (T)weight;
    if (reach <= kWidest) {
        // Beyond either end of the detector all columns are alike: there is nothing to gather.
        const double start = fmin(fmax(u, -1e9), 1e9);
        t.base = (int)floor(start);
        t.slope = (T)(weight / (reach <= 1.0 ? reach : -reach));
        t.reach = (T)reach;
        t.place(start - t.base, along_x, along_y, reach <= 1.0 ? kBits : kBits - 1 - ilogb(reach));
    } else {
        // The distance along the interpolated axis takes the place of the column.
        const double along = by_rows ? ray_y : ray_x;
        const double start = fmin(fmax((ray_x * y - ray_y * x) / along, -1e9), 1e9);
        t.base = (int)floor(start);
        t.slope = (T)-weight;
        t.reach = (T)(2 * kWidest);
        t.place(start - t.base, -ray_y / along, ray_x / along, kBits);
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
    const i64 plane = (i64)g.view_count * pitch * kLanes;
    const Pack<S, kVec>* sinograms = reinterpret_cast<const Pack<S, kVec>*>(sinogram) +
                                     group * kPacks * plane + kPad * kLanes + lane;

    for (int v0 = 0; v0 < g.view_count; v0 += kChunk) {
        const int count = min(kChunk, g.view_count - v0);
        __syncthreads();
#pragma unroll 1
        for (int v = thread; v < count; v += kThreads) view_tile<T>(g, v0 + v, cell_x, cell_y, chunk[v]);
        __syncthreads();
#pragma unroll 1
        for (int run = 0; run < count; run += kRun * kSplit) {
            const int first = run + kRun * z, end = min(first + kRun, count);
            const Pack<S, kVec>* line = sinograms + (i64)(v0 + first) * pitch * kLanes;
            T sum[kRows][kVec * kPacks] = {};
            for (int v = first; v < end; ++v, line += pitch * kLanes) {
                const View& t = chunk[v];
                if (t.slope > 0) {
                    const T next = t.weight - t.slope * View::one_of_two();
#pragma unroll
                    for (int r0 = 0; r0 < kRows; r0 += kAtOnce) {
                        Values left[kAtOnce], right[kAtOnce];
                        T f[kAtOnce];
#pragma unroll
                        for (int r = 0; r < kAtOnce; ++r) {
                            // Both columns of a pixel beyond an end of the detector are padding.
                            const int c = t.base + View::split(t.at(x, y + kY * (r0 + r)), f[r]);
                            const Pack<S, kVec>* at = line + (i64)min(max(c, -2), g.columns) * kLanes;
                            left[r].load(at, plane);
                            right[r].load(at + kLanes, plane);
                        }
#pragma unroll
                        for (int r = 0; r < kAtOnce; ++r) {
                            left[r].add(sum[r0 + r], max(t.weight - t.slope * f[r], (T)0));
                            right[r].add(sum[r0 + r], max(next + t.slope * f[r], (T)0));
                        }
                    }
                } else {
                    const bool same = t.reach > (T)kWidest;
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
                            values.add(sum[r], max(t.weight + t.slope * fabs(off + k * step), (T)0));
                        }
                    }
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
