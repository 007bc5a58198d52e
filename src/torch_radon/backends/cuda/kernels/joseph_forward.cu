// Joseph's forward projection in two dimensions, for every beam.
//
//   by_rows     [G * kPacks, H, kPad + W + kPad, kLanes * kVec]  kPacks of these are a group
//   by_columns  [G * kPacks, W, kPad + H + kPad, kLanes * kVec]  their transposes
//   out         [N, V, C]
//
// A thread follows one ray, or one part of it, through kVec * kPacks images. Lanes that share a ray are
// neighbours, so that a quarter of a warp reads whole 128-byte lines of the cache; then come kRays
// neighbouring columns and kViews neighbouring views, whose rays read the same pixels from the
// first-level cache while the block goes down the lines. With few images there are too few rays to keep
// all multiprocessors busy to the end, and kSplit threads share one.
//
//   threadIdx.x = lane + kLanes * ray,  threadIdx.y = view,  threadIdx.z = part
//   blockIdx    = (tile of columns, tile of views, group)

#include "rays.cuh"

#include "march.cuh"
#include "numbers.cuh"
#include "tile.cuh"

template <typename S,   // storage of the images
          typename O,   // type of the result
          int kVec,     // images of a pack, read at once
          int kLanes,   // threads that share a ray's images
          int kPacks,   // packs a thread sums
          int kRays,    // neighbouring columns a block
          int kViews,   // neighbouring views a block
          int kSplit>   // threads that share a ray's lines
__global__ void __launch_bounds__(kLanes* kRays* kViews* kSplit, kResident / (kLanes* kRays* kViews* kSplit))
forward(const S* by_rows, const S* by_columns, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    typedef Items<S, kVec, kPacks> Values;
    static_assert(kSplit == 1 || kSplit == kParts, "a ray is followed by one thread, or by one for each part");
    constexpr int kThreads = kLanes * kRays * kViews * kSplit;
    // Lines in flight: enough independent loads, within the registers.
    constexpr int kUnroll = kPacks == 1 ? 4 : 2;
    __shared__ Tile<T, kVec, kLanes, kPacks, kRays * kViews> tile;

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, r = threadIdx.x / kLanes, v = threadIdx.y, z = threadIdx.z;
    const int column = blockIdx.x * kRays + r, view = blockIdx.y * kViews + v;
    const int group = blockIdx.z;
    const bool inside = column < g.columns && view < g.view_count;

    const Ray ray = inside ? trace(g, view, column) : Ray();
    const int pitch = (ray.by_rows ? g.width : g.height) + 2 * kPad;
    const int lines = ray.by_rows ? g.height : g.width;
    const i64 plane = (i64)lines * pitch * kLanes;
    const Pack<S, kVec>* image = reinterpret_cast<const Pack<S, kVec>*>(ray.by_rows ? by_rows : by_columns) +
                                 group * kPacks * plane + lane;
    forget(image);
    March<T> march(ray, pitch);
    if (kSplit > 1) march.advance(Part(ray.last - ray.first, z).begin);
    for (int p = z; p < kParts; p += kSplit) {
        const Part part(ray.last - ray.first, p);
        T sum[kVec * kPacks] = {};
        int line = part.begin;
        for (; line + kUnroll <= part.end; line += kUnroll) {
            Values left[kUnroll], right[kUnroll];
            Crossing<T> at[kUnroll];
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                at[k] = march.next();
                const Pack<S, kVec>* pixel = packs_at<kLanes>(image, at[k].left);
                left[k].load(pixel, plane);
                right[k].load(pixel + kLanes, plane);
            }
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                left[k].add(sum, at[k].left_weight);
                right[k].add(sum, at[k].right_weight);
            }
        }
        for (; line < part.end; ++line) {
            const Crossing<T> at = march.next();
            const Pack<S, kVec>* pixel = packs_at<kLanes>(image, at.left);
            Values left, right;
            left.load(pixel, plane);
            right.load(pixel + kLanes, plane);
            left.add(sum, at.left_weight);
            right.add(sum, at.right_weight);
        }
        const T weight = (T)ray.weight;
#pragma unroll
        for (int k = 0; k < kVec * kPacks; ++k) sum[k] *= weight;
        if (kSplit == 1) {
            tile.add(sum, lane, r + v * kRays, p == 0);
        } else {
            for (int turn = 0; turn < kSplit; ++turn) {
                if (turn == z) tile.add(sum, lane, r + v * kRays, p == 0);
                __syncthreads();
            }
        }
    }
    const int thread = threadIdx.x + kLanes * kRays * (v + kViews * z);
    tile.template write<kRays, kThreads>(thread, blockIdx.x * kRays, blockIdx.y * kViews, group, g.batch,
                                         g.view_count, g.columns, out);
}
