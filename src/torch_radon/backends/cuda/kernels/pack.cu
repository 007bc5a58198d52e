// Interleaves a batch, so that one access of a kernel serves several items.
//
//   in         [N, L, M]                        any strides, as S
//   straight   [G, L, kPad + M + kPad, kItems]  G = ceil(N / kItems)
//   transposed [G, M, kPad + L + kPad, kItems]  if kTransposed
//
// Missing items of the last group and the padding are zero.
//
// A block moves a tile of kTile lines x kTile pixels of one group through shared memory: read item by
// item along the pixels, written pixel by pixel along the items. Tiles begin kPad early on both axes,
// so that they cover the padding as well.
//
//   blockIdx = (tile along M, tile along L, group), 256 threads

#include "rays.cuh"

#include "numbers.cuh"

constexpr int kTile = 16;
constexpr int kThreads = 256;

template <typename S, int kItems, bool kTransposed>
__global__ void __launch_bounds__(kThreads)
pack(const S* in, i64 stride_n, i64 stride_l, i64 stride_m, int batch, int lines, int pixels, S* straight,
     S* transposed) {
    // One pixel more keeps a column of the tile off one bank.
    __shared__ S tile[kItems][kTile][kTile + 1];
    const int group = blockIdx.z;
    const int line0 = (int)blockIdx.y * kTile - kPad, pixel0 = (int)blockIdx.x * kTile - kPad;
    for (int t = threadIdx.x; t < kItems * kTile * kTile; t += kThreads) {
        const int m = t % kTile, l = t / kTile % kTile, k = t / (kTile * kTile);
        const int n = group * kItems + k, line = line0 + l, pixel = pixel0 + m;
        const bool inside = n < batch && line >= 0 && line < lines && pixel >= 0 && pixel < pixels;
        tile[k][l][m] = inside ? in[n * stride_n + line * stride_l + pixel * stride_m] : S(0.0f);
    }
    __syncthreads();
    for (int t = threadIdx.x; t < kItems * kTile * kTile; t += kThreads) {
        const int k = t % kItems, m = t / kItems % kTile, l = t / (kItems * kTile);
        const int line = line0 + l, place = pixel0 + m + kPad;
        const int pitch = pixels + 2 * kPad;
        if (line >= 0 && line < lines && place < pitch)
            straight[(((i64)group * lines + line) * pitch + place) * kItems + k] = tile[k][l][m];
    }
    if constexpr (kTransposed) {
        for (int t = threadIdx.x; t < kItems * kTile * kTile; t += kThreads) {
            const int k = t % kItems, l = t / kItems % kTile, m = t / (kItems * kTile);
            const int pixel = pixel0 + m, place = line0 + l + kPad;
            const int pitch = lines + 2 * kPad;
            if (pixel >= 0 && pixel < pixels && place < pitch)
                transposed[(((i64)group * pixels + pixel) * pitch + place) * kItems + k] = tile[k][l][m];
        }
    }
}
