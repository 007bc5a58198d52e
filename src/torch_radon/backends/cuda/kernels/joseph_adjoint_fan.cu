// The transpose of Joseph's forward projection of fan beams in two dimensions. gather.cuh has layout
// and threads.
//
// With the pixel at P = depth * ray + side * step off the source and the direction R of a column's
// ray (see geometry.grid), the ray passes the pixel at the distance |R x P| / |R_a| along the axis
// that it interpolates, a being the other one. The pixel itself is seen at the real column u, and
// |R x P| is |ray x step| times depth * |k - u| on a flat detector and times |P| * sin(|k - u| * arc)
// on a curved one. Only |R_a| belongs to the column: it is looked up with its ray's weight in
//
//   rays  [V, C] of RayWeight, made by ray_weights
//
// Columns are float64: a quotient of float32 numbers would be off by some 1e-5 columns.

#include "fan.cuh"
#include "gather.cuh"

// A ray weighs max(weight - slope * |R x P| / |ray x step|, 0) at a pixel.
template <typename T>
struct RayWeight {
    T weight, slope;
};

// blockIdx = (columns, view), 256 threads
template <typename T>
__global__ void __launch_bounds__(256) ray_weights(GEOMETRY, RayWeight<T>* rays) {
    const int column = blockIdx.x * 256 + threadIdx.x;
    if (column >= columns) return;
    const double* row = views + (i64)blockIdx.y * kViewSize;
    const double k = column - 0.5 * (columns - 1);
    double x = row[2] + k * row[4], y = row[3] + k * row[5];
    if (beam == kCurved) {
        double sine, cosine;
        sincos(k * row[6], &sine, &cosine);
        x = cosine * row[2] + sine * row[4];
        y = cosine * row[3] + sine * row[5];
    }
    const double along = fmax(fabs(x), fabs(y));
    const double weight = hypot(x * spacing_x, y * spacing_y) / along;
    const double area = fabs(row[2] * row[5] - row[3] * row[4]);
    rays[(i64)blockIdx.y * columns + column] = {(T)weight, (T)(weight * area / along)};
}

template <typename T>
struct Adjoint {
    struct View {
        FanView fan;
        float source_x, source_y;
        float ray_x, ray_y, step_x, step_y;
        float area;     // |ray x step|
        float longest;  // what |R_a| can change from one column to the next
    };
    static constexpr int kTaps = 3;

    const RayWeight<T>* rays;

    __device__ __noinline__ static View view(const Geometry& g, int view) {
        const double* row = g.views + (i64)view * kViewSize;
        const double step = hypot(row[4], row[5]);
        View v;
        v.fan = fan_view(g, view);
        v.source_x = (float)row[0];
        v.source_y = (float)row[1];
        v.ray_x = (float)row[2];
        v.ray_y = (float)row[3];
        v.step_x = (float)row[4];
        v.step_y = (float)row[5];
        v.area = (float)fabs(row[2] * row[5] - row[3] * row[4]);
        v.longest = (float)(g.beam == kFlat ? step : (step + hypot(row[2], row[3])) * row[6]);
        // A detector that closes its circle has rays on either side of the seam.
        if (g.beam == kCurved && (g.columns + 2) * row[6] > 6.28) v.longest = 1e30f;
        return v;
    }

    __device__ __forceinline__ bool taps(const Geometry& g, int view, const View& v, int x, int y, int part,
                                         Taps<T, kTaps>& taps) const {
        const FanView& fan = v.fan;
        const bool flat = g.beam == kFlat;
        const double depth = fan.depth + x * fan.depth_x + y * fan.depth_y;
        const double side = fan.side + x * fan.side_x + y * fan.side_y;
        const double u = flat ? side / depth : atan2(side, depth) / fan.arc;

        // |R_a| at u, and how far from u it makes a ray pass at one pixel.
        float sine = (float)u, cosine = 1.0f;
        if (!flat) sincosf((float)(u * fan.arc), &sine, &cosine);
        const float along = fmaxf(fabsf(cosine * v.ray_x + sine * v.step_x),
                                  fabsf(cosine * v.ray_y + sine * v.step_y));
        const T far = flat ? (T)depth : sqrt((T)(depth * depth + side * side));
        const float reach = along / ((float)far * v.area * (flat ? 1.0f : (float)fan.arc));
        const float change = reach * v.longest / along;
        const float off_x = x - v.source_x, off_y = y - v.source_y;
        // Near the source, where rays begin, and behind it nothing is known of them.
        if ((flat && !(depth > 0.0)) || !(change < 0.3f) || off_x * off_x + off_y * off_y < 16.0f)
            return traced_taps(g, view, x, y, part, taps);

        const float half = reach * (1.0f + 2.0f * change) + 1e-3f;
        const double at = u + 0.5 * (g.columns - 1);
        taps.column = 0;
        taps.weight[0] = taps.weight[1] = taps.weight[2] = 0;
        if (!(at > -1.0 - half && at < g.columns + half)) return false;
        const int whole = (int)floor(at);
        const T f = (T)(at - whole);
        const int last = min(g.columns - 1, whole + (int)floorf((float)f + half));
        const int first = max(0, whole + (int)ceilf((float)f - half)) + kTaps * part;
        const RayWeight<T>* of_view = rays + (i64)view * g.columns;
        taps.column = first;
#pragma unroll
        for (int k = 0; k < kTaps; ++k) {
            if (first + k > last) continue;
            const RayWeight<T> ray = of_view[first + k];
            T off = fabs((T)(first + k - whole) - f);
            if (!flat) off = sin(off * (T)fan.arc);
            taps.weight[k] = max(ray.weight - ray.slope * off * far, (T)0);
        }
        return first + kTaps <= last;
    }

    // Every column's ray is traced.
    __device__ __noinline__ static bool traced_taps(const Geometry& g, int view, int x, int y, int part,
                                                    Taps<T, kTaps>& taps) {
        taps.column = kTaps * part;
        for (int k = 0; k < kTaps; ++k) {
            taps.weight[k] = 0;
            if (taps.column + k >= g.columns) continue;
            const Ray ray = trace(g, view, taps.column + k);
            const int line = ray.by_rows ? y : x, pixel = ray.by_rows ? x : y;
            if (line < ray.first || line >= ray.last) continue;
            const double distance = fabs(ray.intercept + ray.slope * line - pixel);
            taps.weight[k] = (T)(fmax(1.0 - distance, 0.0) * ray.weight);
        }
        return taps.column + kTaps < g.columns;
    }
};

template <typename S, typename O, int kVec, int kLanes, int kPacks, int kX, int kY>
__global__ void __launch_bounds__(kLanes* kX* kY, kGatherResident / (kLanes * kX * kY))
adjoint_fan(const S* sinogram, const RayWeight<typename Accumulator<S>::Type>* rays, GEOMETRY, O* out) {
    typedef Adjoint<typename Accumulator<S>::Type> Kind;
    gather<Kind, S, O, kVec, kLanes, kPacks, kX, kY>(Kind{rays}, sinogram, GEOMETRY_STRUCT, out);
}
