// Joseph's forward projection in two dimensions, for every beam.
//
//   by_rows     [G * kPacks, H, kPad + W + kPad, kLanes * kVec]  kPacks of these are a group
//   by_columns  [G * kPacks, W, kPad + H + kPad, kLanes * kVec]  their transposes
//   out         [N, V, C]
//
// A thread follows one ray, or one part of it, through kVec * kPacks images. Lanes that share a ray are
// neighbours, so that a quarter of a warp reads whole 128-byte lines of the cache; then come kRays
// neighbouring columns and kViews neighbouring views, whose rays read the same pixels from the
// first-level cache while the block goes down the lines. The rays of a warp cross the same line at the same
// time, also where one of them is not in the image yet: what a warp reads at once then lies close together,
// or the cache would have to look for it in turns. With few images there are too few rays to keep all
// multiprocessors busy to the end, and kSplit threads share one.
//
//   threadIdx.x = lane + kLanes * ray,  threadIdx.y = view,  threadIdx.z = part
//   blockIdx    = (tile of columns, tile of views, group)

#include "rays.cuh"

#include "march.cuh"
#include "numbers.cuh"
#include "tile.cuh"
#include "warp.cuh"

// A line that no ray reaches.
constexpr int kFar = 1 << 30;

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
    static_assert(kLanes * kRays * kViews * kSplit % 32 == 0, "warps are full");
    static_assert(kSplit == 1 || kSplit == kParts, "a ray is followed by one thread, or by one for each part");
    constexpr int kThreads = kLanes * kRays * kViews * kSplit;
    // Lines in flight: enough independent loads, within the registers.
    constexpr int kUnroll = kPacks == 1 ? 4 : 2;
    static_assert(4 % kUnroll == 0, "parts begin at multiples of four, which steps of so many lines must meet");
    __shared__ Tile<T, kVec, kLanes, kPacks, kRays * kViews> tile;

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, r = threadIdx.x / kLanes, v = threadIdx.y, z = threadIdx.z;
    const int column = blockIdx.x * kRays + r, view = blockIdx.y * kViews + v;
    const int group = blockIdx.z;
    const bool inside = column < g.columns && view < g.view_count;

    const Ray ray = inside ? trace(g, view, column) : Ray();
    const int pitch = (ray.by_rows ? g.width : g.height) + 2 * kPad;
    const i64 plane = (i64)(ray.by_rows ? g.height : g.width) * pitch * kLanes;
    const Pack<S, kVec>* image = reinterpret_cast<const Pack<S, kVec>*>(ray.by_rows ? by_rows : by_columns) +
                                 group * kPacks * plane + lane;
    forget(image);

    // Lines that a ray of the warp crosses, and those that all of them do.
    const bool crosses = ray.first < ray.last;
    const int begin = least(crosses ? ray.first : kFar) & -kUnroll, end = greatest(crosses ? ray.last : 0);
    const int full_begin = greatest(crosses ? ray.first : kFar), full_end = least(ray.last);
    // Parts are the same for all rays, of either kind.
    const int terms = max(g.height, g.width);
    int line = max(begin, Part(terms, z).begin);
    March<T> march(ray, pitch, line);
    for (int p = z; p < kParts; p += kSplit) {
        const int part_end = min(end, Part(terms, p).end);
        T sum[kVec * kPacks] = {};
        const auto cross = [&](bool all) {
            Values left[kUnroll], right[kUnroll];
            Crossing<T> at[kUnroll];
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                at[k] = march.next();
                // The first two pixels of an image are padding, and zero.
                if (!all) at[k].left = line + k >= ray.first && line + k < ray.last ? at[k].left : 0;
                const Pack<S, kVec>* pixel = packs_at<kLanes>(image, at[k].left);
                left[k].load(pixel, plane);
                right[k].load(pixel + kLanes, plane);
            }
#pragma unroll
            for (int k = 0; k < kUnroll; ++k) {
                left[k].add(sum, at[k].left_weight);
                right[k].add(sum, at[k].right_weight);
            }
        };
#pragma unroll 1
        for (; line < min(part_end, full_begin); line += kUnroll) cross(false);
#pragma unroll 1
        for (; line < min(part_end, full_end - kUnroll + 1); line += kUnroll) cross(true);
#pragma unroll 1
        for (; line < part_end; line += kUnroll) cross(false);
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
