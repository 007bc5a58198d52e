// The transpose of Joseph's forward projection of fan beams with a flat detector in two dimensions, of large
// batches in half precision. gather_tensor.cuh has layout and threads, flat.cuh the mathematics.
//
//   rays  [V, octet_pitch(C)] of RayWeight, made by ray_weights_tensor.cu

#include "flat.cuh"
#include "gather_tensor.cuh"

// Threads that should be resident on a multiprocessor: these want more registers.
constexpr int kFlatResident = 640;

struct FlatWeights {
    typedef FlatAdjoint<float>::View View;
    struct Columns {
        int number;   // of the first column, from the view's
        float4 rays;  // of both
    };

    const RayWeight<float>* rays;
    float unit;
    int pair;

    __device__ __forceinline__ static View view(const Geometry& g, int view, int x, int y) {
        return FlatAdjoint<float>::view(g, view, x, y, flat_scale(g, view));
    }

    static __device__ __forceinline__ int window(const View& v, float x, float y, int columns, int& count) {
        count = 0;
        if (v.near) count = kSlow;
        if (v.near || v.taps == 0) return 0;
        const float at = v.at + x * v.at_x + y * v.at_y, grow = v.grow + x * v.grow_x + y * v.grow_y;
        const float middle = -at / grow * v.unit, wide = v.half + 1.5f * v.corner;
        const int begin = v.column + (int)ceilf(middle - wide), end = v.column + (int)floorf(middle + wide) + 1;
        if (begin < columns && end > 0) count = end - begin;
        return begin;
    }

    __device__ __forceinline__ Columns columns(const View& v, unsigned place, unsigned octet) const {
        const float4* at = static_cast<const float4*>(advanced(rays, octet, kOctet * sizeof(RayWeight<float>)));
        return {(int)place + 2 * pair - kMargin - v.column, __ldg(at + pair)};
    }

    static __device__ __forceinline__ void weights(const View& v, const Columns& columns, int x, int y,
                                                   float (&weight)[2]) {
        const int grow = v.grow + x * v.grow_x + y * v.grow_y;
        const float off = (float)distance(v.at + x * v.at_x + y * v.at_y, columns.number, grow, v.shift);
        weight[0] = __saturatef(columns.rays.x - columns.rays.y * fabs(off));
        weight[1] = __saturatef(columns.rays.z - columns.rays.w * fabs(off + (float)shorten(grow, v.shift)));
    }

    __device__ __forceinline__ float weight(const Geometry& g, int view, const View& v, int x, int y, int c,
                                            int cell_x, int cell_y) const {
        if (v.near) {
            const Ray ray = trace(g, view, c);
            const int row = cell_y + kCell / 2 + y, column = cell_x + kCell / 2 + x;
            const int along = ray.by_rows ? row : column, across = ray.by_rows ? column : row;
            if (along < ray.first || along >= ray.last) return 0.0f;
            const double off = fabs(ray.intercept + ray.slope * along - across);
            return (float)(fmax(1.0 - off, 0.0) * ray.weight) / unit;
        }
        const int grow = v.grow + x * v.grow_x + y * v.grow_y;
        const float off = (float)distance(v.at + x * v.at_x + y * v.at_y, c - v.column, grow, v.shift);
        const RayWeight<float> ray = rays[(i64)view * octet_pitch(g.columns) + kMargin + c];
        return fmaxf(ray.weight - ray.slope * fabs(off), 0.0f);
    }
};

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kTiles,  // times 16 images of a group
          int kX,      // pixels of a tile along W
          int kY>      // and along H
__global__ void __launch_bounds__(2 * kX* kY, kFlatResident / (2 * kX * kY))
adjoint_flat_tensor(const unsigned* sinogram, const RayWeight<float>* rays, GEOMETRY, O* out) {
    const FlatWeights weights{rays, (float)unit_of(GEOMETRY_STRUCT), (int)threadIdx.x % 4};
    gather_tensor<S, O, kTiles, kX, kY>(weights, sinogram, GEOMETRY_STRUCT, out);
}
