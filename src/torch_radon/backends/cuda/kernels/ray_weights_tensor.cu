// What the transpose of fan beams with a flat detector on tensor cores wants to know of each ray, the same
// for all pixels: as ray_weights.cu says, over `unit_of` the weights and for distances over `flat_scale` in
// fixed point.
//
//   out  [V, octet_pitch(C)] of RayWeight, zeros in the margins
//
//   blockIdx = (view, places in a line), 256 threads; views on the axis that takes more than 65535 blocks

#include "flat.cuh"
#include "octets.cuh"

__global__ void __launch_bounds__(256) ray_weights_tensor(GEOMETRY, RayWeight<float>* out) {
    const int place = blockIdx.y * 256 + threadIdx.x, column = place - kMargin;
    const int view = blockIdx.x, pitch = octet_pitch(columns);
    if (place >= pitch) return;
    RayWeight<float> ray = {0.0f, 0.0f};
    if (column >= 0 && column < columns) {
        const double* row = views + (i64)view * kViewSize;
        const double k = column - 0.5 * (columns - 1);
        const double x = row[2] + k * row[4], y = row[3] + k * row[5];
        const double along = fmax(fabs(x), fabs(y));
        const double weight = hypot(x * spacing_x, y * spacing_y) / along / unit_of(GEOMETRY_STRUCT);
        ray = {(float)weight, (float)(ldexp(weight / along, -kBits) * flat_scale(GEOMETRY_STRUCT, view))};
    }
    out[(i64)view * pitch + place] = ray;
}
