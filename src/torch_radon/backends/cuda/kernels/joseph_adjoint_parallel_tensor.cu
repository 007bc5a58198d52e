// The transpose of Joseph's forward projection of parallel beams in two dimensions, of large batches in
// half precision. gather_tensor.cuh has layout and threads, parallel.cuh the mathematics.

#include "gather_tensor.cuh"
#include "parallel.cuh"

struct ParallelWeights {
    struct alignas(16) View {
        int at, along_x, along_y;  // as of TileView, of the first place in a line
        int back;                  // what a column takes away from them
        float weight, slope, one;
        float wide;  // columns that the square sees to either side of its middle, in fixed point
        TileView<float> seen;
    };
    struct Columns {
        int at;  // of the first column, to the middle of the cell
    };

    float unit;
    int pair;

    __device__ __noinline__ View view(const Geometry& g, int view, int x, int y) const {
        View v;
        view_tile<float>(g, unit, view, x, y, v.seen);
        v.along_x = v.seen.along_x;
        v.along_y = v.seen.along_y;
        v.back = -(1 << v.seen.bits);
        // Exact modulo 2^32, as the distances are that are to be small.
        v.at = (int)((unsigned)v.seen.near - (unsigned)(v.seen.base + kMargin) * (unsigned)v.back);
        v.weight = v.seen.weight;
        v.slope = v.seen.slope;
        v.one = v.seen.one();
        v.wide = v.seen.reach * v.one + 1.5f * (fabs((float)v.along_x) + fabs((float)v.along_y));
        return v;
    }

    static __device__ __forceinline__ int window(const View& v, float x, float y, int columns, int& count) {
        const float middle = v.seen.near + x * v.along_x + y * v.along_y;
        const float first = ceilf((middle - v.wide) / v.one - 1e-4f), last = floorf((middle + v.wide) / v.one + 1e-4f);
        const int begin = v.seen.base + (int)first, end = v.seen.base + (int)last + 1;
        count = v.seen.triangle == kSame ? kSlow : begin < columns && end > 0 ? end - begin : 0;
        return begin;
    }

    __device__ __forceinline__ Columns columns(const View& v, unsigned place, unsigned octet) const {
        return {(int)((unsigned)v.at + (place + 2 * pair) * (unsigned)v.back)};
    }

    static __device__ __forceinline__ void weights(const View& v, const Columns& columns, int x, int y,
                                                   float (&weight)[2]) {
        const float off = (float)(columns.at + x * v.along_x + y * v.along_y);
        weight[0] = __saturatef(v.weight - v.slope * fabs(off));
        weight[1] = __saturatef(v.weight - v.slope * fabs(off - v.one));
    }

    static __device__ __forceinline__ float weight(const Geometry& g, int view, const View& v, int x, int y, int c,
                                                   int, int) {
        const int u = v.seen.at(x, y);
        const bool same = v.seen.triangle == kSame;
        const float off = same ? (float)u + v.seen.base * v.one : (float)(u + (c - v.seen.base) * v.back);
        return fmaxf(v.weight - v.slope * fabs(off), 0.0f);
    }
};

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kTiles,  // times 16 images of a group
          int kX,      // pixels of a tile along W
          int kY>      // and along H
__global__ void __launch_bounds__(2 * kX* kY, kTensorResident / (2 * kX * kY))
adjoint_parallel_tensor(const unsigned* sinogram, GEOMETRY, O* out) {
    const ParallelWeights weights{(float)unit_of(GEOMETRY_STRUCT), (int)threadIdx.x % 4};
    gather_tensor<S, O, kTiles, kX, kY>(weights, sinogram, GEOMETRY_STRUCT, out);
}
