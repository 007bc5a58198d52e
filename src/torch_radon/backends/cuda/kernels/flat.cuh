// How a view of a fan beam with a flat detector sees the pixels of a cell.
//
// The ray of column k has the direction R_k = ray + k * step (see geometry.grid) and passes a pixel P
// off the source at the distance |R_k x P| / |R_k,a| along the axis that it interpolates, a being the
// other one. R_k x P is linear in the column and in the pixel, and small where it matters: relative to
// the middle M of a cell and to the column m nearest to what M sees, P = M + d, k = m + j,
//
//   R_k x P = R_m x M + R_m x d + j * (step x M + step x d) = at(d) + j * grow(d).
//
// The constants of a cell and a view are computed in float64. For float they are fixed-point numbers of
// pixels, the cross product divided by |R_m,a|, so that its sums do not round. |R_k,a| belongs to the
// column: it is looked up with its ray's weight in
//
//   rays  [V, C] of RayWeight, made by ray_weights.cu
#pragma once

#include "fan.cuh"
#include "tile.cuh"

// Fraction bits of a distance from a ray; those within a cell are below 2^(31 - kBits) pixels.
constexpr int kBits = 25;

// Numbers of pixels a column and a pixel: plain, or in fixed point.
template <typename T> struct Fixed;
template <> struct Fixed<float> { typedef int Type; };
template <> struct Fixed<double> { typedef double Type; };

__device__ __forceinline__ int to_fixed(double x, int bits, float) { return (int)rint(ldexp(x, bits)); }
__device__ __forceinline__ double to_fixed(double x, int, double) { return x; }

// The distance at + j * grow, where grow has `shift` more fraction bits.
__device__ __forceinline__ int distance(int at, int j, int grow, int shift) {
    return at + (int)((i64)j * grow >> shift);
}
__device__ __forceinline__ double distance(double at, int j, double grow, int) { return at + j * grow; }

// `grow` with as many fraction bits as a distance.
__device__ __forceinline__ int shorten(int grow, int shift) { return grow >> shift; }
__device__ __forceinline__ double shorten(double grow, int) { return grow; }

template <typename T>
struct FlatAdjoint {
    typedef typename Fixed<T>::Type Number;
    struct alignas(16) View {
        Number at, at_x, at_y;        // the distance of column m's ray
        int column;                   // m
        Number grow, grow_x, grow_y;  // what it grows from one column to the next
        int shift;                    // fraction bits that `grow` has more
        T scale;                      // |R_m,a|, in fixed point
        float unit;                   // a column's worth of `at` over one of `grow`
        float half;                   // columns within one pixel of a ray, to either side
        float corner;                 // and those that a pixel to the side and one down add
        int taps;
        bool near;
    };
    struct Pair {
        int column;
        Number at, grow;
        const RayWeight<T>* ray;
    };

    const RayWeight<T>* rays;

    // Distances are over |R_m,a|, or over `scale` if that is given.
    __device__ __noinline__ static View view(const Geometry& g, int view, int x0, int y0, double scale = 0.0) {
        const double* row = g.views + (i64)view * kViewSize;
        const double ray_x = row[2], ray_y = row[3], step_x = row[4], step_y = row[5];
        const double area = ray_x * step_y - ray_y * step_x;
        const double x = x0 + kCell / 2 - row[0], y = y0 + kCell / 2 - row[1];
        const double middle = 0.5 * (g.columns - 1);
        const double depth = (x * step_y - y * step_x) / area, side = (ray_x * y - ray_y * x) / area;
        const double seen_at = fmin(fmax(side / depth + middle, 0.0), g.columns - 1.0);
        View v = {};
        v.column = (int)rint(seen_at);
        const double m = v.column - middle, r_x = ray_x + m * step_x, r_y = ray_y + m * step_y;
        const double along = fmax(fabs(r_x), fabs(r_y));
        const double at = (r_x * y - r_y * x) / along, grow = (step_x * y - step_y * x) / along;
        const double at_x = -r_y / along, at_y = r_x / along;
        const double grow_x = -step_y / along, grow_y = step_x / along;

        // What the pixels of the cell add.
        constexpr double kFar = kCell / 2;
        const double most = kFar * (fabs(grow_x) + fabs(grow_y)), least = fabs(grow) - most;
        const double shallow = fabs(depth) - kFar * (fabs(step_x) + fabs(step_y)) / fabs(area);
        const double off_x = fmax(fabs(x) - kFar, 0.0), off_y = fmax(fabs(y) - kFar, 0.0);
        // Columns that the cell spans, and what |R_a| can change over them, by no more than a step each.
        const double span = (kFar * (fabs(at_x) + fabs(at_y)) + 1.0) / least + 1.0;
        const double change = span * sqrt(step_x * step_x + step_y * step_y) / along;
        v.near = !(depth > 0.0 && shallow > 0.0 && least > 0.0 && change < 0.5) ||
                 off_x * off_x + off_y * off_y < 16.0 || fabs(grow) + most > 16.0;
        // If even the nearest column's ray passes beside the cell, nothing is seen.
        if (v.near || fabs(at) > 16.0 + 2.0 * kCell) return v;
        const double half = (1.0 + change) / least * (1.0 + 1e-4) + 1e-3;
        if (scale == 0.0) scale = along;
        const double unit = along / scale;
        const int bits = 29 - ilogb((fabs(grow) + most) * unit);
        v.shift = bits - kBits;
        v.at = to_fixed(at * unit, kBits, T());
        v.at_x = to_fixed(at_x * unit, kBits, T());
        v.at_y = to_fixed(at_y * unit, kBits, T());
        v.grow = to_fixed(grow * unit, bits, T());
        v.grow_x = to_fixed(grow_x * unit, bits, T());
        v.grow_y = to_fixed(grow_y * unit, bits, T());
        v.scale = (T)(sizeof(T) == 4 ? ldexp(scale, -kBits) : scale);
        v.unit = sizeof(T) == 4 ? (float)ldexp(1.0, v.shift) : 1.0f;
        v.half = (float)half;
        v.corner = (float)((fabs(at_x) + fabs(at_y)) / least);
        v.taps = (int)fmin(2.0 * half + 1.0, (double)g.columns);
        return v;
    }

    __device__ __forceinline__ Pair pair(const Geometry& g, int view, const View& v, int x, int y) const {
        const int dx = (x & (kCell - 1)) - kCell / 2, dy = (y & (kCell - 1)) - kCell / 2;
        const Number at = v.at + dx * v.at_x + dy * v.at_y;
        const Number grow = v.grow + dx * v.grow_x + dy * v.grow_y;
        // The first column need not be sharp: rays beyond one pixel weigh nothing.
        const float middle = __fdividef((float)at, (float)grow) * v.unit;
        const int first = v.column + (int)ceilf(-middle - v.half);
        Pair p;
        p.column = min(max(first, 0), g.columns - v.taps);
        p.at = distance(at, p.column - v.column, grow, v.shift);
        p.grow = shorten(grow, v.shift);
        p.ray = rays + (i64)view * g.columns + p.column;
        return p;
    }

    __device__ __forceinline__ static T weight(const View& v, Pair& p) {
        const RayWeight<T> ray = *p.ray++;
        const T off = fabs((T)p.at);
        p.at += p.grow;
        return max(ray.weight - ray.slope * v.scale * off, (T)0);
    }
};
