// Joseph's forward projection in two dimensions, for every beam.
//
//   by_rows     [G, H, kPad + W + kPad, kItems]  kItems = kLanes * kVec * kPacks images of a group
//   by_columns  [G, W, kPad + H + kPad, kItems]  their transposes
//   out         [N, V, C]
//
// A thread follows one ray through kVec * kPacks images. Lanes that share a ray are neighbours, so
// that a quarter of a warp reads whole 128-byte lines of the cache; then come kRays neighbouring
// columns and kViews neighbouring views, whose rays read the same pixels from the first-level cache
// while the block goes down the lines.
//
//   threadIdx.x = lane + kLanes * ray,  threadIdx.y = view
//   blockIdx    = (tile of columns, tile of views, group)

#include "rays.cuh"

#include "march.cuh"
#include "numbers.cuh"
#include "tile.cuh"

template <typename S,   // storage of the images
          typename O,   // type of the result
          int kVec,     // images of a pack, read at once
          int kLanes,   // threads that share a ray
          int kPacks,   // packs a thread sums
          int kRays,    // neighbouring columns a block
          int kViews>   // neighbouring views a block
__global__ void __launch_bounds__(kLanes* kRays* kViews, kResident / (kLanes* kRays* kViews))
forward(const S* by_rows, const S* by_columns, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    constexpr int kStride = kLanes * kPacks;
    // Lines in flight: enough independent loads, within the registers.
    constexpr int kUnroll = kPacks == 1 ? 4 : 2;
    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, r = threadIdx.x / kLanes, v = threadIdx.y;
    const int column = blockIdx.x * kRays + r, view = blockIdx.y * kViews + v;
    const int group = blockIdx.z;

    T sum[kVec * kPacks] = {};
    if (column < g.columns && view < g.view_count) {
        const Ray ray = trace(g, view, column);
        const int pitch = (ray.by_rows ? g.width : g.height) + 2 * kPad;
        const int lines = ray.by_rows ? g.height : g.width;
        const Pack<S, kVec>* image =
            reinterpret_cast<const Pack<S, kVec>*>(ray.by_rows ? by_rows : by_columns) +
            (i64)group * lines * pitch * kStride + lane;
        March<T> march(ray, pitch);
        int line = ray.first;
        for (; line + kUnroll <= ray.last; line += kUnroll) {
            Values left[kUnroll], right[kUnroll];
            Crossing<T> at[kUnroll];
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                at[k] = march.next();
                const Pack<S, kVec>* pixel = image + (u64)at[k].left * kStride;
                left[k].load(pixel, kLanes);
                right[k].load(pixel + kStride, kLanes);
            }
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                left[k].add(sum, at[k].left_weight);
                right[k].add(sum, at[k].right_weight);
            }
        }
        for (; line < ray.last; ++line) {
            const Crossing<T> at = march.next();
            const Pack<S, kVec>* pixel = image + (u64)at.left * kStride;
            Values left, right;
            left.load(pixel, kLanes);
            right.load(pixel + kStride, kLanes);
            left.add(sum, at.left_weight);
            right.add(sum, at.right_weight);
        }
        const T weight = (T)ray.weight;
#pragma unroll
        for (int k = 0; k < kVec * kPacks; ++k) sum[k] *= weight;
    }
    write_tile<O, kVec, kLanes, kPacks, kRays, kViews>(sum, lane, r, v, blockIdx.x * kRays,
                                                       blockIdx.y * kViews, group, g.batch,
                                                       g.view_count, g.columns, out);
}
