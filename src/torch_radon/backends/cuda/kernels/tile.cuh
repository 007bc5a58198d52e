// How a block writes the tile that its threads have summed.
#pragma once

#include "rays.cuh"

#include "numbers.cuh"

// Threads that should be resident on a multiprocessor: 64 registers each, enough loads in flight.
constexpr int kResident = 1024;

// Numbers of a tile are kept relative to the cell of pixels that it lies in, so that they round alike
// whatever the tile: a result does not depend on how many items it was computed with.
constexpr int kCell = 16;

// Writes kX * kY places of kLanes * kVec * kPacks items to out [N, height, width], item by item
// along x.
//
// A thread holds kPacks packs of kVec neighbouring items of one place, its lane's; they are turned
// in shared memory. The one number more that an item takes there spreads the items of a place
// over the banks.
template <typename O, int kVec, int kLanes, int kPacks, int kX, int kY, typename T>
__device__ __forceinline__ void write_tile(const T (&sum)[kVec * kPacks], int lane, int dx, int dy, int x0, int y0,
                                           int group, int batch, int height, int width, O* out) {
    constexpr int kItems = kLanes * kVec * kPacks;
    constexpr int kPlane = kX * kY + 1;
    constexpr int kThreads = kLanes * kX * kY;
    const i64 size = (i64)height * width;
    if constexpr (kItems == 1) {
        const int x = x0 + dx, y = y0 + dy;
        if (x < width && y < height) out[group * size + (i64)y * width + x] = Narrow<O>::of(sum[0]);
    } else {
        __shared__ T turned[kItems * kPlane];
#pragma unroll
        for (int k = 0; k < kVec * kPacks; ++k) {
            const int item = (k / kVec * kLanes + lane) * kVec + k % kVec;
            turned[item * kPlane + dy * kX + dx] = sum[k];
        }
        __syncthreads();
        for (int t = threadIdx.x + threadIdx.y * blockDim.x; t < kItems * kX * kY; t += kThreads) {
            const int x = x0 + t % kX, y = y0 + t / kX % kY, item = t / (kX * kY);
            const int n = group * kItems + item;
            if (x < width && y < height && n < batch)
                out[n * size + (i64)y * width + x] =
                    Narrow<O>::of(turned[item * kPlane + t % (kX * kY)]);
        }
    }
}
