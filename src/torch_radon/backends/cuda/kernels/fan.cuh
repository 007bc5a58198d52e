// How a fan beam's view sees pixels, and what its rays weigh.
#pragma once

#include "rays.cuh"

// A pixel nearer to its source than this part of the source-detector distance is not seen.
constexpr double kNearest = 1e-6;

// Pixel (x, y) lies depth + depth_x * x + depth_y * y along the central ray of a view and
// side + side_x * x + side_y * y along its detector.
struct FanView {
    double depth, depth_x, depth_y;
    double side, side_x, side_y;
    double arc;
};

__device__ __forceinline__ FanView fan_view(const Geometry& g, int view) {
    const double* row = g.views + (i64)view * kViewSize;
    const double area = row[2] * row[5] - row[3] * row[4];
    FanView v;
    v.depth_x = row[5] / area;
    v.depth_y = -row[4] / area;
    v.depth = -(v.depth_x * row[0] + v.depth_y * row[1]);
    v.side_x = -row[3] / area;
    v.side_y = row[2] / area;
    v.side = -(v.side_x * row[0] + v.side_y * row[1]);
    v.arc = row[6];
    return v;
}

// The ray of direction R weighs max(weight - slope * |R x P|, 0) at a pixel P off the source: the
// distance is |R x P| / |R_a| along the axis that it interpolates.
template <typename T>
struct alignas(2 * sizeof(T)) RayWeight {
    T weight, slope;
};

// What distances are divided by where a view has one scale for all cells and columns: a power of two that
// no |R_a| exceeds.
__device__ __forceinline__ double flat_scale(const Geometry& g, int view) {
    const double* row = g.views + (i64)view * kViewSize;
    return ldexp(1.0, ilogb(hypot(row[2], row[3]) + 0.5 * g.columns * hypot(row[4], row[5])) + 1);
}
