// The transpose of Joseph's forward projection of fan beams with a curved detector, in two dimensions.
// gather.cuh has layout and threads.
//
// With the pixel at P = depth * ray + side * step off the source and the direction R of a column's ray
// (see geometry.grid), the ray passes the pixel at the distance |R x P| / |R_a| along the axis that it
// interpolates, a being the other one. The pixel itself is seen at the real column u, and |R x P| is
// |ray x step| times |P| * sin(|k - u| * arc). Only |R_a| belongs to the column: it is looked up with
// its ray's weight in
//
//   rays  [V, C] of RayWeight, made by ray_weights.cu
//
// Columns are float64: a quotient of float32 numbers would be off by some 1e-5 columns.

#include "fan.cuh"
#include "gather.cuh"

template <typename T>
struct CurvedAdjoint {
    struct View {
        FanView fan;
        T area;      // |ray x step|
        float half;  // columns within one pixel of a ray, to either side
        int taps;
        bool near;
    };
    struct Pair {
        int column;
        double off;  // columns from where the pixel is seen
        T far;       // |P| times area
        const RayWeight<T>* ray;
    };

    const RayWeight<T>* rays;

    __device__ __noinline__ static View view(const Geometry& g, int view, int x0, int y0) {
        const double* row = g.views + (i64)view * kViewSize;
        View v = {};
        v.fan = fan_view(g, view);
        const double area = fabs(row[2] * row[5] - row[3] * row[4]);
        v.area = (T)area;

        constexpr double kFar = kCell / 2;
        const double x = x0 + kFar, y = y0 + kFar;
        const double depth = v.fan.depth + x * v.fan.depth_x + y * v.fan.depth_y;
        const double side = v.fan.side + x * v.fan.side_x + y * v.fan.side_y;
        // How far off the source the nearest pixel of the cell is, in units of the ray.
        const double nearest = hypot(depth, side) - kFar * hypot(fabs(v.fan.depth_x) + fabs(v.fan.depth_y),
                                                                 fabs(v.fan.side_x) + fabs(v.fan.side_y));
        const double off_x = fmax(fabs(x - row[0]) - kFar, 0.0), off_y = fmax(fabs(y - row[1]) - kFar, 0.0);
        // How far from a pixel a column's ray passes at least, without |R_a|, and what |R_a| is at most.
        const double grow = nearest * area * row[6];
        const double along = hypot(row[2], row[3]) + hypot(row[4], row[5]);
        // A detector that closes its circle has rays on either side of the seam.
        v.near = !(nearest > 0.0 && along * row[6] < 0.3 * grow) || off_x * off_x + off_y * off_y < 16.0 ||
                 (g.columns + 2) * row[6] > 6.28;
        if (v.near) return v;
        // |R_a| where the middle of the cell is seen, and how much larger it can be for its pixels.
        const double angle = atan2(side, depth), spread = kFar * 1.5 / fmax(hypot(off_x, off_y), 1.0) + row[6];
        const double here = fmax(fabs(cos(angle) * row[2] + sin(angle) * row[4]),
                                 fabs(cos(angle) * row[3] + sin(angle) * row[5]));
        const double half = fmin(here + spread * along, along) / grow * 1.2 + 1e-3;
        v.half = (float)half;
        v.taps = (int)fmin(2.0 * half + 1.0, (double)g.columns);
        return v;
    }

    __device__ __forceinline__ Pair pair(const Geometry& g, int view, const View& v, int x, int y) const {
        const FanView& fan = v.fan;
        const double depth = fan.depth + x * fan.depth_x + y * fan.depth_y;
        const double side = fan.side + x * fan.side_x + y * fan.side_y;
        const double seen_at = atan2(side, depth) / fan.arc + 0.5 * (g.columns - 1);
        Pair p;
        const int first = (int)ceil(fmin(fmax(seen_at - v.half, 0.0), (double)g.columns));
        p.column = min(first, g.columns - v.taps);
        p.off = p.column - seen_at;
        p.far = sqrt((T)(depth * depth + side * side)) * v.area;
        p.ray = rays + (i64)view * g.columns + p.column;
        return p;
    }

    __device__ __forceinline__ static T weight(const View& v, Pair& p) {
        const RayWeight<T> ray = *p.ray++;
        // Rays on the far side of the source pass nothing.
        const T angle = fmin(fabs((T)(p.off * v.fan.arc)), (T)1.5);
        p.off += 1.0;
        return max(ray.weight - ray.slope * sin(angle) * p.far, (T)0);
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
adjoint_curved(const S* sinogram, const RayWeight<typename Accumulator<S>::Type>* rays, GEOMETRY, O* out) {
    typedef CurvedAdjoint<typename Accumulator<S>::Type> Kind;
    gather<Kind, S, O, kVec, kPacks, kX, kY, kRows, kSplit>(Kind{rays}, sinogram, GEOMETRY_STRUCT, out);
}
