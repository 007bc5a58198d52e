// Sinograms interleaved for tensor cores: what a warp multiplies at once lies in whole lines of the cache.
//
//   [G, V, pitch]                 a group's lines, as octets, with margins of kMargin or more zeros
//   octet  [kTiles * 2, 4, 8, 2]  8 items of 4 pairs of columns, and so on
//
// A warp takes kTiles * 16 items of the window of four neighbouring pairs that begins at an even column. Its
// thread with row = lane / 4 and pair = lane % 4 takes two neighbouring items, 2 * row and on of each 16, of
// the window's pair whose number in its octet is `pair`: half a warp reads 128 bytes of different banks
// wherever the window begins.
#pragma once

#include "rays.cuh"

constexpr int kOctet = 8;

// Zeros at both ends of a line, for windows that are partly outside.
constexpr int kMargin = 16;

// Words of an octet for 16 items, and where a thread's two are.
constexpr int kTileWords = 64;

__device__ __forceinline__ int word_of(int row, int pair) { return row / 4 * 32 + pair * 8 + row % 4 * 2; }

__device__ __forceinline__ int octet_pitch(int pixels) {
    return (pixels + 2 * kMargin + 2 * kOctet - 1) / (2 * kOctet) * (2 * kOctet);
}
