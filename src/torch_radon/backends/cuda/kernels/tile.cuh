// How a block collects what its threads sum, and writes its tile of the result.
#pragma once

#include "rays.cuh"

#include "numbers.cuh"

// Threads that should be resident on a multiprocessor: 64 registers each, enough loads in flight.
constexpr int kResident = 1024;

// Those of kernels whose threads sum several packs of several pixels: 128 registers.
template <int kPacks>
constexpr int kPixelResident = kPacks == 1 ? kResident : kResident / 2;

// Numbers of a tile are kept relative to the cell of pixels that it lies in, so that they round alike
// whatever the tile: a result does not depend on how many items it was computed with.
constexpr int kCell = 16;

// Long sums are formed in this many parts, one after the other or by as many threads, and these added
// in their order: the same numbers however the work is split.
constexpr int kParts = 4;

// Terms [begin, end) of a part.
struct Part {
    int begin, end;

    __device__ __forceinline__ Part(int terms, int part) : begin(bound(terms, part)), end(bound(terms, part + 1)) {}

    // Multiples of four but for the last one: loops are unrolled.
    static __device__ __forceinline__ int bound(int terms, int part) {
        return part == kParts ? terms : (int)((i64)terms * part / kParts) & ~3;
    }
};

// A tile of kPlaces places in shared memory, kItems = kVec * kLanes * kPacks items each, item by item.
// The one number more that an item takes there spreads the items of a place over the banks.
template <typename T, int kVec, int kLanes, int kPacks, int kPlaces>
struct Tile {
    static constexpr int kItems = kVec * kLanes * kPacks;
    static constexpr int kPlane = kPlaces + 1;
    T turned[kItems * kPlane];

    // Adds a thread's sums of one place: kPacks packs of kVec neighbouring items, its lane's.
    __device__ __forceinline__ void add(const T (&sum)[kVec * kPacks], int lane, int place, bool first) {
#pragma unroll
        for (int k = 0; k < kVec * kPacks; ++k) {
            const int item = (k / kVec * kLanes + lane) * kVec + k % kVec;
            T& total = turned[item * kPlane + place];
            total = first ? sum[k] : total + sum[k];
        }
    }

    // Writes the tile, kX places wide, to out [N, height, width], item by item along x.
    template <int kX, int kThreads, typename O>
    __device__ __forceinline__ void write(int thread, int x0, int y0, int group, int batch, int height, int width,
                                          O* out) const {
        const i64 size = (i64)height * width;
        __syncthreads();
        for (int t = thread; t < kItems * kPlaces; t += kThreads) {
            const int x = x0 + t % kX, y = y0 + t % kPlaces / kX, item = t / kPlaces;
            const int n = group * kItems + item;
            if (x < width && y < height && n < batch)
                out[n * size + (i64)y * width + x] = Narrow<O>::of(turned[item * kPlane + t % kPlaces]);
        }
    }
};
