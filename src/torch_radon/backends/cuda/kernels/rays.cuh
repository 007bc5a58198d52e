// Rays in index coordinates, shared by every kernel. The mathematics is that of the CPU backend
// (backends/cpu/rays.py): geometry.grid.view_table describes the rows of `views`.
#pragma once

typedef unsigned long long u64;
typedef long long i64;

// Zeros at both ends of a line: one for the interpolation across the border, one against rounding
// in the range of lines.
constexpr int kPad = 2;

// Numbers a view takes in the table.
constexpr int kViewSize = 7;

enum Beam { kParallel = 0, kFlat = 1, kCurved = 2 };

// An image grid and its detector. Every kernel takes these as its parameters GEOMETRY.
struct Geometry {
    const double* views;  // [V, kViewSize]
    double spacing_y, spacing_x;
    int beam;
    int view_count, columns;  // V, C
    int height, width;        // H, W
    int batch;                // N
};

#define GEOMETRY                                                                                  \
    const double *views, double spacing_y, double spacing_x, int beam, int view_count, int columns, \
        int height, int width, int batch
#define GEOMETRY_STRUCT \
    Geometry { views, spacing_y, spacing_x, beam, view_count, columns, height, width, batch }

// A power of two that no weight of a ray exceeds: weights over it are exact, at most 1 in any unit of length.
__device__ __forceinline__ double unit_of(const Geometry& g) {
    return ldexp(1.0, ilogb(hypot(g.spacing_y, g.spacing_x)) + 1);
}

// A ray as a march through the lines (rows or columns) of an image.
struct Ray {
    double intercept, slope;  // position on line l: intercept + slope * l
    double weight;            // length of ray between two lines, in world units
    int first, last;          // lines [first, last) that it crosses inside the image
    bool by_rows;             // whether lines are rows
};

__device__ __noinline__ Ray trace(const Geometry& g, int view, int column) {
    const double* row = g.views + (i64)view * kViewSize;
    const double k = column - 0.5 * (g.columns - 1);
    double x = row[0], y = row[1], ray_x = row[2], ray_y = row[3];
    if (g.beam == kParallel) {
        x += k * row[4];
        y += k * row[5];
    } else if (g.beam == kFlat) {
        ray_x += k * row[4];
        ray_y += k * row[5];
    } else {
        double sine, cosine;
        sincos(k * row[6], &sine, &cosine);
        const double turned = cosine * ray_x + sine * row[4];
        ray_y = cosine * ray_y + sine * row[5];
        ray_x = turned;
    }
    const double length = hypot(ray_x * g.spacing_x, ray_y * g.spacing_y);
    Ray ray;
    ray.by_rows = fabs(ray_y) >= fabs(ray_x);
    double lines = g.height, pixels = g.width;
    if (!ray.by_rows) {
        double swap = x; x = y; y = swap;
        swap = ray_x; ray_x = ray_y; ray_y = swap;
        lines = g.width;
        pixels = g.height;
    }
    ray.weight = length / fabs(ray_y);
    ray.slope = ray_x / ray_y;
    ray.intercept = x - ray.slope * y;

    // Lines at which the position lies within one pixel of the image: (-1, pixels).
    double low = 0.0, high = lines;
    if (ray.slope == 0.0) {
        if (!(ray.intercept > -1.0 && ray.intercept < pixels)) high = 0.0;
    } else {
        const double one = (-1.0 - ray.intercept) / ray.slope;
        const double other = (pixels - ray.intercept) / ray.slope;
        low = fmax(low, floor(fmin(one, other)) + 1.0);
        high = fmin(high, ceil(fmax(one, other)));
    }
    if (g.beam != kParallel) {
        // The ray begins at its source.
        if (ray_y > 0.0) low = fmax(low, ceil(y));
        else high = fmin(high, floor(y) + 1.0);
    }
    if (!(low < high)) low = high = 0.0;
    ray.first = (int)low;
    ray.last = (int)high;
    return ray;
}
