// Pixel-driven backprojection of fan beams in two dimensions: each view's detector line,
// interpolated linearly where the pixel is seen, times the distance weight, whose formula is in
// projectors/backprojector.py. gather.cuh has layout and threads.
//
// Columns are float64: a quotient of float32 numbers would be off by some 1e-5 columns.

#include "fan.cuh"
#include "gather.cuh"

template <typename T>
struct Backprojection {
    typedef FanView View;
    static constexpr int kTaps = 2;

    __device__ __noinline__ static View view(const Geometry& g, int view) { return fan_view(g, view); }

    __device__ __forceinline__ static bool taps(const Geometry& g, int, const View& v, int x, int y, int,
                                                Taps<T, kTaps>& taps) {
        taps.column = 0;
        taps.weight[0] = taps.weight[1] = 0;
        const double depth = v.depth + x * v.depth_x + y * v.depth_y;
        const double side = v.side + x * v.side_x + y * v.side_y;
        const bool flat = g.beam == kFlat;
        const double square = flat ? depth * depth : depth * depth + side * side;
        if (flat ? !(depth > kNearest) : !(square > kNearest * kNearest)) return false;
        const double column = (flat ? side / depth : atan2(side, depth) / v.arc) + 0.5 * (g.columns - 1);
        if (!(column > -1.0 && column < g.columns)) return false;
        const int c = (int)floor(column);
        const T f = (T)(column - c), weight = (T)1 / (T)square;
        taps.column = c;
        taps.weight[0] = c >= 0 ? weight * ((T)1 - f) : (T)0;
        taps.weight[1] = c < g.columns - 1 ? weight * f : (T)0;
        return false;
    }
};

template <typename S, typename O, int kVec, int kLanes, int kPacks, int kX, int kY>
__global__ void __launch_bounds__(kLanes* kX* kY, kGatherResident / (kLanes * kX * kY))
backproject_fan(const S* sinogram, GEOMETRY, O* out) {
    typedef Backprojection<typename Accumulator<S>::Type> Kind;
    gather<Kind, S, O, kVec, kLanes, kPacks, kX, kY>(Kind(), sinogram, GEOMETRY_STRUCT, out);
}
