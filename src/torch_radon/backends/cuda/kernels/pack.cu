// Interleaves a batch, so that one access of a kernel serves several items.
//
//   in         [N, L, M]                        any strides, as S
//   straight   [G, L, kPad + M + kPad, kItems]  G = ceil(N / kItems)
//   transposed [G, M, kPad + L + kPad, kItems]  if kTransposed
//
// Missing items of the last group and the padding are zero.
//
// A thread moves a square, kSide neighbouring pixels of as many items, of up to 16 bytes: it reads the
// pixels of each item, at once where they lie side by side and are aligned, and writes the items of each
// pixel. Squares of a pixel's items are neighbours, then come those along a line.
//
//   threadIdx = (square of 32, line of 8)
//   blockIdx  = (8 lines, 32 squares, group), lines on the axis that takes more than 65535 blocks

#include "rays.cuh"

#include "numbers.cuh"

template <typename S, int kItems, bool kTransposed>
__global__ void __launch_bounds__(256)
pack(const S* in, i64 stride_n, i64 stride_l, i64 stride_m, int batch, int lines, int pixels, S* straight,
     S* transposed) {
    constexpr int kMost = 16 / (int)sizeof(S), kSide = kItems < kMost ? kItems : kMost;
    constexpr int kSquares = kItems / kSide;           // of a pixel
    constexpr int kLead = (kPad + kSide - 1) / kSide;  // pixels of padding before a line, in squares
    const int item = threadIdx.x % kSquares * kSide, group = blockIdx.z;
    const int pixel = ((int)blockIdx.y * (32 / kSquares) + (int)threadIdx.x / kSquares - kLead) * kSide;
    const int line = (int)blockIdx.x * 8 + threadIdx.y - kPad;
    const bool on_line = line >= 0 && line < lines;

    alignas(16) Pack<S, kSide> square[kSide];
#pragma unroll
    for (int k = 0; k < kSide; ++k) {
        const int n = group * kItems + item + k;
        const S* at = in + n * stride_n + line * stride_l + pixel * stride_m;
        const bool some = on_line && n < batch, whole = some && pixel >= 0 && pixel + kSide <= pixels;
        if (whole && stride_m == 1 && reinterpret_cast<u64>(at) % sizeof(square[0]) == 0) {
            const Pack<S, kSide> row = *reinterpret_cast<const Pack<S, kSide>*>(at);
#pragma unroll
            for (int m = 0; m < kSide; ++m) square[m].item[k] = row.item[m];
        } else {
#pragma unroll
            for (int m = 0; m < kSide; ++m)
                square[m].item[k] = some && pixel + m >= 0 && pixel + m < pixels ? at[m * stride_m] : S(0.0f);
        }
    }
#pragma unroll
    for (int m = 0; m < kSide; ++m) {
        const int p = pixel + m;
        if (on_line && p >= -kPad && p < pixels + kPad) {
            const i64 place = ((i64)group * lines + line) * (pixels + 2 * kPad) + p + kPad;
            *reinterpret_cast<Pack<S, kSide>*>(straight + place * kItems + item) = square[m];
        }
        if (kTransposed && line < lines + kPad && p >= 0 && p < pixels) {
            const i64 place = ((i64)group * pixels + p) * (lines + 2 * kPad) + line + kPad;
            *reinterpret_cast<Pack<S, kSide>*>(transposed + place * kItems + item) = square[m];
        }
    }
}
