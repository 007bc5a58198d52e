// The transpose of pixel-driven backprojection in two dimensions, for every beam, as a gather.
//
//   by_rows     [G * kPacks, H, kPad + W + kPad, kLanes * kVec]  kPacks of these are a group
//   by_columns  [G * kPacks, W, kPad + H + kPad, kLanes * kVec]  their transposes
//   out         [N, V, C]
//
// A thread sums kVec * kPacks sinograms of one column over the pixels that read it: those seen less
// than a column away. On every line of the image they lie between the rays of the two neighbouring
// columns. Lines are rows or columns, whichever the rays cross more steeply.
//
//   threadIdx.x = lane + kLanes * column,  threadIdx.y = view
//   blockIdx    = (tile of columns, tile of views, group)
//
// Positions are float64 throughout: the weights are those of backproject.cu to rounding.

#include "rays.cuh"

#include "numbers.cuh"
#include "tile.cuh"

constexpr double kNearest = 1e-6;

// Where the rays of the neighbouring columns meet a line: start + slope * line. If they do not go the
// same way, or lie half a turn apart, there is no telling, and the whole line is looked at.
struct Between {
    double start[2], slope[2];
    bool bounded;
};

__device__ __noinline__ Between neighbours(const Geometry& g, const double* row, double k, bool lines_are_rows) {
    Between b;
    double along[2];
    for (int side = 0; side < 2; ++side) {
        const double at = k + (side ? 1.0 : -1.0);
        double x = row[0], y = row[1], ray_x = row[2], ray_y = row[3];
        if (g.beam == kParallel) {
            x += at * row[4];
            y += at * row[5];
        } else if (g.beam == kFlat) {
            ray_x += at * row[4];
            ray_y += at * row[5];
        } else {
            double sine, cosine;
            sincos(at * row[6], &sine, &cosine);
            ray_x = cosine * row[2] + sine * row[4];
            ray_y = cosine * row[3] + sine * row[5];
        }
        const double across = lines_are_rows ? ray_x : ray_y;
        along[side] = lines_are_rows ? ray_y : ray_x;
        b.slope[side] = across / along[side];
        b.start[side] = (lines_are_rows ? x : y) - b.slope[side] * (lines_are_rows ? y : x);
    }
    b.bounded = along[0] * along[1] > 0.0 && !(g.beam == kCurved && row[6] > 0.5) &&
                fabs(b.slope[0]) < 1e6 && fabs(b.slope[1]) < 1e6;
    return b;
}

template <typename S,   // storage of the images
          typename O,   // type of the result
          int kVec,     // images of a pack, read at once
          int kLanes,   // threads that share a column
          int kPacks,   // packs a thread sums
          int kRays,    // neighbouring columns a block
          int kViews>   // neighbouring views a block
__global__ void __launch_bounds__(kLanes* kRays* kViews, 1)
backproject_adjoint(const S* by_rows, const S* by_columns, GEOMETRY, O* out) {
    typedef typename Accumulator<S>::Type T;
    __shared__ Tile<T, kVec, kLanes, kPacks, kRays * kViews> tile;

    const Geometry g = GEOMETRY_STRUCT;
    const int lane = threadIdx.x % kLanes, r = threadIdx.x / kLanes, v = threadIdx.y;
    const int column = blockIdx.x * kRays + r, view = blockIdx.y * kViews + v;
    const int group = blockIdx.z;

    T sum[kVec * kPacks] = {};
    if (column < g.columns && view < g.view_count) {
        const double* row = g.views + (i64)view * kViewSize;
        const double k = column - 0.5 * (g.columns - 1);
        const double area = row[2] * row[5] - row[3] * row[4];
        const Ray ray = trace(g, view, column);
        const Between between = neighbours(g, row, k, ray.by_rows);
        const int lines = ray.by_rows ? g.height : g.width, pixels = ray.by_rows ? g.width : g.height;
        const int pitch = pixels + 2 * kPad;
        const i64 plane = (i64)lines * pitch * kLanes;
        const Pack<S, kVec>* image =
            reinterpret_cast<const Pack<S, kVec>*>(ray.by_rows ? by_rows : by_columns) +
            group * kPacks * plane + kPad * kLanes + lane;
        for (int line = 0; line < lines; ++line) {
            int first = 0, last = pixels - 1;
            if (between.bounded) {
                const double one = between.start[0] + between.slope[0] * line;
                const double other = between.start[1] + between.slope[1] * line;
                first = (int)fmin(fmax(floor(fmin(one, other)), 0.0), (double)pixels);
                last = (int)fmax(fmin(ceil(fmax(one, other)), pixels - 1.0), -1.0);
            }
            for (int pixel = first; pixel <= last; ++pixel) {
                const double x = (ray.by_rows ? pixel : line) - row[0];
                const double y = (ray.by_rows ? line : pixel) - row[1];
                const double side = (row[2] * y - row[3] * x) / area;
                double seen_at = side, weight = 1.0;
                if (g.beam != kParallel) {
                    const double depth = (x * row[5] - y * row[4]) / area;
                    if (g.beam == kFlat) {
                        if (!(depth > kNearest)) continue;
                        seen_at = side / depth;
                        weight = 1.0 / (depth * depth);
                    } else {
                        const double square = depth * depth + side * side;
                        if (!(square > kNearest * kNearest)) continue;
                        seen_at = atan2(side, depth) / row[6];
                        weight = 1.0 / square;
                    }
                }
                weight *= fmax(1.0 - fabs(seen_at - k), 0.0);
                Items<S, kVec, kPacks> values;
                values.load(image + ((i64)line * pitch + pixel) * kLanes, plane);
                values.add(sum, (T)weight);
            }
        }
    }
    tile.add(sum, lane, r + v * kRays, true);
    tile.template write<kRays, kLanes * kRays * kViews>(threadIdx.x + kLanes * kRays * v, blockIdx.x * kRays,
                                                        blockIdx.y * kViews, group, g.batch, g.view_count,
                                                        g.columns, out);
}
