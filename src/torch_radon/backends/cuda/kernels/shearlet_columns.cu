// The vertical transforms of shearlet filters, of the columns where a filter does not vanish only; and
// those of images, of all columns.
//
// Filters and what they are made of (torch_radon/shearlet/tables.py): kept column c of all filters has
// the values entries[c] to entries[c + 1]; value e lies at source[e] = row * columns + column of
// the spectrum.
//
//   spectrum  [N, columns, kHeight]         half the spectra of images, transposed
//   kept      [N, count, kHeight]           kept columns of all filters, transformed vertically
//   partial   [parts, N, columns, kHeight]  spectra that some of the filters sum up to
//
// A line of a block is a column of an item, worked on by a warp or a part of one (shearlet_fft.cuh), so
// that a block has no barriers. Neighbouring lines are of neighbouring items, which find the filter's
// values in the cache.
//
//   threadIdx.x = thread of a line + kLast * line

#include "shearlet_fft.cuh"

#include "shearlet_run.cuh"

// Threads of a block, and blocks of a multiprocessor that registers must last for: about as many as have
// room in the shared memory of an H100. Half as many lines where each has a sum beside it.
constexpr int kBlock = 128, kBlocks = 5;
constexpr int kAdjointBlock = 64, kAdjointBlocks = 6;

// Entries of a column that a thread loads at once: few, far apart, and each after its place.
constexpr int kLoads = 4;

template <int kHeight, int kThreads> struct Columns {
    static constexpr int kLines = kThreads / Line<kHeight>::kLast;
    static constexpr int kRoom = kLines * Line<kHeight>::kPitch / 2;  // Neighbours<2> of all lines
};

// The row of an entry, from reciprocal = 2^32 / columns, rounded up: right while source * columns < 2^32.
__device__ __forceinline__ int row_of(int source, unsigned reciprocal) { return __umulhi(source, reciprocal); }

// kept = scale * vertical inverse transform of (filter * spectrum).
//
//   blockIdx.x = tile of lines, (kept column, item)
template <int kHeight>
__global__ void __launch_bounds__(kBlock, kBlocks)
shearlet_columns(const Complex* spectrum, const float* values, const int* source, const int* entries,
                 const Complex* roots, int columns, unsigned reciprocal, int items, int count, float scale,
                 Complex* kept) {
    using L = Line<kHeight>;
    using Shape = Columns<kHeight, kBlock>;
    __shared__ Neighbours<2> room[Shape::kRoom];
    const int t = threadIdx.x % L::kLast, which = threadIdx.x / L::kLast;
    Complex* line = (Complex*)room + which * L::kPitch;
    const int number = blockIdx.x * Shape::kLines + which;
    const int column = number / items, item = number % items;
    // Lines too many have no entries, and go along with their warp.
    const bool exists = column < count;
    const int begin = exists ? entries[column] : 0, end = exists ? entries[column + 1] : 0;
    const int place = begin < end ? source[begin] - row_of(source[begin], reciprocal) * columns : 0;
    const Complex* from = spectrum + ((i64)item * columns + place) * kHeight;
    clear<kHeight>(line, t);
    __syncwarp();
    for (int first = begin + t; first < end; first += kLoads * L::kLast) {
        int row[kLoads];
        float value[kLoads];
        Complex seen[kLoads];
#pragma unroll
        for (int u = 0; u < kLoads; ++u) {
            const int e = first + u * L::kLast;
            row[u] = e < end ? row_of(source[e], reciprocal) : -1;
            value[u] = e < end ? scale * values[e] : 0.0f;
        }
#pragma unroll
        for (int u = 0; u < kLoads; ++u)
            if (row[u] >= 0) seen[u] = from[row[u]];
#pragma unroll
        for (int u = 0; u < kLoads; ++u)
            if (row[u] >= 0) line[padded(row[u])] = value[u] * seen[u];
    }
    __syncwarp();
    Complex x[kEach];
    load_spread<kHeight>(x, line, t);
    fft_spread_to_bunched<kHeight, 1>(x, line, t, roots);
    if (exists) store_bunched<kHeight>(x, kept + ((i64)item * count + column) * kHeight, t);
}

// partial[p] = scale * the sum over each filter p + i * parts of filter * vertical transform of kept: all
// parts together are the transpose of the above. A column of the spectrum gathers from filters in
// their order. More parts are more blocks, and shorter ones; neighbouring filters, which are equally
// wide, go to different parts.
//
//   blockIdx = (tile of lines, (column of the spectrum, item); part)
template <int kHeight>
__global__ void __launch_bounds__(kAdjointBlock, kAdjointBlocks)
shearlet_columns_adjoint(const Complex* kept, const float* values, const int* source, const int* entries,
                         const int* starts, const Complex* roots, int columns, unsigned reciprocal, int items,
                         int count, int filters, int parts, float scale, Complex* partial) {
    using L = Line<kHeight>;
    using Shape = Columns<kHeight, kAdjointBlock>;
    __shared__ Neighbours<2> line_room[Shape::kRoom], sum_room[Shape::kRoom];
    const int t = threadIdx.x % L::kLast, which = threadIdx.x / L::kLast;
    Complex* line = (Complex*)line_room + which * L::kPitch;
    Complex* sum = (Complex*)sum_room + which * L::kPitch;
    const int number = blockIdx.x * Shape::kLines + which;
    const int column = number / items, item = number % items;
    clear<kHeight>(sum, t);
    for (int filter = blockIdx.y; filter < filters; filter += parts) {
        const Run run(starts, filter);
        const unsigned within = run.find(column, columns);
        const bool sees = column < columns && within < run.width;
        // Most columns are outside most filters.
        if (!__any_sync(0xffffffffu, sees)) continue;
        const int at = run.start + (sees ? within : 0);
        const int begin = entries[at], end = sees ? entries[at + 1] : begin;
        // A line that sees nothing transforms what another one sees, which it does not add.
        Complex x[kEach];
        load_bunched<kHeight>(x, kept + ((i64)item * count + at) * kHeight, t);
        fft_bunched_to_spread<kHeight, -1>(x, line, t, roots);
        __syncwarp();
        store_spread<kHeight>(x, line, t);
        __syncwarp();
#pragma unroll 4
        for (int e = begin + t; e < end; e += L::kLast) {
            const int row = padded(row_of(source[e], reciprocal));
            sum[row] = sum[row] + values[e] * line[row];
        }
    }
    __syncwarp();
    if (column >= columns) return;
    Complex* out = partial + (((i64)blockIdx.y * items + item) * columns + column) * kHeight + t;
#pragma unroll
    for (int i = 0; i < kEach; ++i) out[i * L::kLast] = scale * sum[t + padded(i * L::kLast)];
}

// The vertical transforms of images: the sum of parts [parts, count, kHeight], transformed in place of
// the first of them.
//
//   blockIdx.x = tile of lines
template <int kHeight, int kSign>
__global__ void __launch_bounds__(kBlock)
shearlet_image_columns(const Complex* roots, int count, int parts, Complex* spectrum) {
    using L = Line<kHeight>;
    using Shape = Columns<kHeight, kBlock>;
    __shared__ Neighbours<2> room[Shape::kRoom];
    const int t = threadIdx.x % L::kLast, which = threadIdx.x / L::kLast;
    const int number = blockIdx.x * Shape::kLines + which;
    const bool exists = number < count;
    Complex* at = spectrum + (i64)number * kHeight;
    Complex x[kEach] = {};
    for (int part = 0; part < (exists ? parts : 0); ++part) {
        const Complex* from = at + (i64)part * count * kHeight + t;
#pragma unroll
        for (int i = 0; i < kEach; ++i) x[i] = x[i] + from[i * L::kLast];
    }
    fft_spread_to_bunched<kHeight, kSign>(x, (Complex*)room + which * L::kPitch, t, roots);
    if (exists) store_bunched<kHeight>(x, at, t);
}
