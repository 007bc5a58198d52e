// How a parallel beam's view sees the pixels of a cell.
//
// It sees pixel (x, y) at the column u = u0 + along_x * x + along_y * y, and its ray of column c passes the
// pixel at the distance |c - u| / reach along the interpolated axis, where reach is along_x or along_y,
// whichever belongs to that axis: the weight is a triangle of half-width reach columns around u. Two
// columns lie in it if reach <= 1, more on a finer detector.
//
// The numbers are relative to the middle of the cell, worked out in float64. For float they are
// fixed-point numbers, exact to about 1e-7 columns within the cell, as the forward projection's
// positions are.
#pragma once

#include "rays.cuh"

#include "tile.cuh"

// Fraction bits of a column relative to the cell. With two columns a triangle, along_x and along_y
// are at most 1, so that a cell spans less than 2^(31 - kBits) columns.
constexpr int kBits = 26;

// Triangles that are wider belong to rays along the detector: all columns have the same ray.
constexpr double kWidest = 1 << 24;

// The triangles of a view: of two columns that all are on the detector or in its padding, of two, of more,
// or with the same ray for all columns.
enum Triangle { kInside, kTwo, kMany, kSame };

// A view as the pixels of a cell see it.
template <typename T> struct TileView;

template <>
struct alignas(16) TileView<float> {
    int near, along_x, along_y;  // of the cell's middle, less base
    int base;
    float weight;  // of a ray through the pixel, over `unit`, see unit_of
    float slope;   // what 2^-bits of a column off takes away from it
    float reach;   // half-width of the triangle
    Triangle triangle;
    int bits;

    __device__ __forceinline__ void place(double at, double x, double y, int fraction_bits) {
        bits = fraction_bits;
        const double unit = 1 << bits;
        near = (int)rint(at * unit);
        along_x = (int)rint(x * unit);
        along_y = (int)rint(y * unit);
        slope /= one();
    }
    // Exact modulo 2^32.
    __device__ __forceinline__ int at(int x, int y) const { return near + x * along_x + y * along_y; }
    static __device__ __forceinline__ int split(int u, float& f) {
        f = (float)(u & ((1 << kBits) - 1));
        return u >> kBits;
    }
    // The first column of a triangle, and how far off its middle it is.
    __device__ __forceinline__ int first(int u, float& off) const {
        const int column = ((u - (int)(reach * one())) >> bits) + 1;
        off = (float)((column << bits) - u);
        return column;
    }
    // A column, in the unit of these distances.
    __device__ __forceinline__ float one() const { return (float)(1 << bits); }
    static __device__ __forceinline__ float one_of_two() { return (float)(1 << kBits); }
};

template <>
struct alignas(16) TileView<double> {
    double near, along_x, along_y;
    int base;
    double weight, slope, reach;
    Triangle triangle;

    __device__ __forceinline__ void place(double at, double x, double y, int) {
        near = at;
        along_x = x;
        along_y = y;
    }
    __device__ __forceinline__ double at(int x, int y) const { return near + x * along_x + y * along_y; }
    static __device__ __forceinline__ int split(double u, double& f) {
        const double whole = floor(u);
        f = u - whole;
        return (int)whole;
    }
    __device__ __forceinline__ int first(double u, double& off) const {
        const double column = floor(u - reach) + 1.0;
        off = column - u;
        return (int)column;
    }
    static __device__ __forceinline__ double one() { return 1.0; }
    static __device__ __forceinline__ double one_of_two() { return 1.0; }
};

template <typename T>
__device__ __forceinline__ void view_tile(const Geometry& g, double unit, int view, int x0, int y0, TileView<T>& t) {
    const double* row = g.views + (i64)view * kViewSize;
    const double ray_x = row[2], ray_y = row[3];
    const double per_area = 1.0 / (ray_x * row[5] - ray_y * row[4]);
    const double along_x = -ray_y * per_area, along_y = ray_x * per_area;
    const double x = x0 + kCell / 2 - row[0], y = y0 + kCell / 2 - row[1];
    const double u = along_x * x + along_y * y + 0.5 * (g.columns - 1);
    const bool by_rows = fabs(ray_y) >= fabs(ray_x);
    const double reach = by_rows ? fabs(along_x) : fabs(along_y);
    // Every block does this for every view.
    const double world_x = ray_x * g.spacing_x, world_y = ray_y * g.spacing_y;
    const double length = sqrt(world_x * world_x + world_y * world_y);
    const double weight = length / ((by_rows ? fabs(ray_y) : fabs(ray_x)) * unit);
    t.weight = (T)weight;
    if (reach <= kWidest) {
        // Beyond either end of the detector all columns are alike: there is nothing to gather.
        const double start = fmin(fmax(u, -1e9), 1e9);
        t.base = (int)floor(start);
        t.slope = (T)(weight / reach);
        t.reach = (T)reach;
        const double wide = kCell / 2 * (fabs(along_x) + fabs(along_y)) + 1e-6;
        const bool inside = u - wide >= -kPad && u + wide < g.columns + 1;
        t.triangle = reach > 1.0 ? kMany : inside ? kInside : kTwo;
        t.place(start - t.base, along_x, along_y, reach <= 1.0 ? kBits : kBits - 1 - ilogb(reach));
    } else {
        // The distance along the interpolated axis takes the place of the column.
        const double along = by_rows ? ray_y : ray_x;
        const double start = fmin(fmax((ray_x * y - ray_y * x) / along, -1e9), 1e9);
        t.base = (int)floor(start);
        t.slope = (T)weight;
        t.reach = (T)(2 * kWidest);
        t.triangle = kSame;
        t.place(start - t.base, -ray_y / along, ray_x / along, kBits);
    }
}
