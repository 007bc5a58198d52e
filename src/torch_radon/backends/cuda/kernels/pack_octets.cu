// Interleaves a batch in half precision as tensor cores want it (octets.cuh).
//
//   in   [N, V, C]              any strides, as S
//   out  [G, V, octets of C]    G = ceil(N / kItems)
//
// Missing items of the last group and the margins are zero.
//
// A thread moves an octet of kTogether neighbouring items: it reads the columns of each item, at once where
// they lie side by side and are aligned, and writes the items of each pair. A warp has kTogether * 4 items
// of 8 octets, so that it reads lines of 128 bytes and writes pieces of as many.
//
//   threadIdx.x = octet of 8, threadIdx.y = items
//   blockIdx    = (line, 8 octets, group), lines on the axis that takes more than 65535 blocks

#include "rays.cuh"

#include "numbers.cuh"
#include "octets.cuh"

constexpr int kTogether = 4;

// A pair of columns of these items.
struct alignas(16) Words {
    unsigned word[kTogether];
};

template <typename S, int kItems>
__global__ void __launch_bounds__(8 * kItems / kTogether, 8)
pack_octets(const S* in, i64 stride_n, i64 stride_v, i64 stride_c, int batch, int views, int columns, S* out) {
    const int octets = octet_pitch(columns) / kOctet;
    const int octet = blockIdx.y * 8 + threadIdx.x, item = kTogether * threadIdx.y;
    const int line = blockIdx.x, group = blockIdx.z, first = octet * kOctet - kMargin;
    if (octet >= octets) return;
    alignas(16) Pack<S, 2> pairs[4][kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
        const int n = group * kItems + item + k;
        const S* at = in + n * stride_n + line * stride_v + first * stride_c;
        const bool whole = n < batch && first >= 0 && first + kOctet <= columns;
        if (whole && stride_c == 1 && reinterpret_cast<u64>(at) % 16 == 0) {
            const Pack<S, 8> eight = *reinterpret_cast<const Pack<S, 8>*>(at);
#pragma unroll
            for (int c = 0; c < kOctet; ++c) pairs[c / 2][k].item[c % 2] = eight.item[c];
        } else {
#pragma unroll
            for (int c = 0; c < kOctet; ++c) {
                const bool inside = n < batch && first + c >= 0 && first + c < columns;
                pairs[c / 2][k].item[c % 2] = inside ? at[c * stride_c] : S(0.0f);
            }
        }
    }
    Pack<S, 2>* words = reinterpret_cast<Pack<S, 2>*>(out) +
                        (((i64)group * views + line) * octets + octet) * (4 * kItems) + item / 8 * 32 + item % 8;
#pragma unroll
    for (int p = 0; p < 4; ++p) *reinterpret_cast<Words*>(words + 8 * p) = *reinterpret_cast<const Words*>(pairs[p]);
}
