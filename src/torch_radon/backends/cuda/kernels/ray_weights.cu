// What the transposes of fan beams want to know of each ray, the same for all pixels.
//
//   out  [V, C] of RayWeight
//
//   blockIdx = (view, columns), 256 threads; views on the axis that takes more than 65535 blocks

#include "fan.cuh"

template <typename T>
__global__ void __launch_bounds__(256) ray_weights(GEOMETRY, RayWeight<T>* out) {
    const int view = blockIdx.x, column = blockIdx.y * 256 + threadIdx.x;
    if (column >= columns) return;
    const double* row = views + (i64)view * kViewSize;
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
    out[(i64)view * columns + column] = {(T)weight, (T)(weight / along)};
}
