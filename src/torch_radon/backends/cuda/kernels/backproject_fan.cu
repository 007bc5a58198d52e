// Pixel-driven backprojection of fan beams in two dimensions: each view's detector line,
// interpolated linearly where the pixel is seen, times the distance weight, whose formula is in
// projectors/backprojector.py. gather.cuh has layout and threads.
//
// Columns are float64: a quotient of float32 numbers would be off by some 1e-5 columns.

#include "fan.cuh"
#include "gather.cuh"

template <typename T>
struct Backprojection {
    struct View {
        FanView fan;
        int taps;
        bool near;
    };
    struct Pair {
        int column;
        T off;  // columns from where the pixel is seen
        T distance_weight;
    };

    __device__ __noinline__ static View view(const Geometry& g, int view, int, int) {
        return {fan_view(g, view), min(2, g.columns), false};
    }

    __device__ __forceinline__ static Pair pair(const Geometry& g, int, const View& v, int x, int y) {
        const FanView& fan = v.fan;
        const double depth = fan.depth + x * fan.depth_x + y * fan.depth_y;
        const double side = fan.side + x * fan.side_x + y * fan.side_y;
        const bool flat = g.beam == kFlat;
        const double square = flat ? depth * depth : depth * depth + side * side;
        const bool seen = flat ? depth > kNearest : square > kNearest * kNearest;
        const double seen_at = (flat ? side / depth : atan2(side, depth) / fan.arc) + 0.5 * (g.columns - 1);
        Pair p;
        p.column = min((int)floor(fmin(fmax(seen ? seen_at : 0.0, 0.0), (double)g.columns)), g.columns - v.taps);
        p.off = (T)(p.column - seen_at);
        p.distance_weight = seen ? (T)1 / (T)square : (T)0;
        return p;
    }

    __device__ __forceinline__ static T weight(const View&, Pair& p) {
        const T share = max((T)1 - fabs(p.off), (T)0);
        p.off += 1;
        return p.distance_weight * share;
    }
};

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kVec,    // images of a pack, read at once
          int kPacks,  // packs a thread sums
          int kX,      // threads of a tile along W
          int kY,      // and along H
          int kRows,   // pixels a thread, kY apart along H
          int kSplit>  // threads that share a pixel's views
__global__ void __launch_bounds__(kX* kY* kSplit, kGatherResident / (kX * kY * kSplit))
backproject_fan(const S* sinogram, GEOMETRY, O* out) {
    typedef Backprojection<typename Accumulator<S>::Type> Kind;
    gather<Kind, S, O, kVec, kPacks, kX, kY, kRows, kSplit>(Kind(), sinogram, GEOMETRY_STRUCT, out);
}
