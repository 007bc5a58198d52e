// The vertical transforms of shearlet filters, of the columns where a filter does not vanish only.
//
// Filters and what they are made of (torch_radon/shearlet/tables.py): kept column c of a filter has
// the values entries[c] to entries[c + 1]; value e lies at source[e] = row * columns + column of
// the spectrum. A group of filters has neighbouring kept columns, `first` to before first + count.
//
//   spectrum [N, columns, kHeight]  spectra of images, transposed
//   kept     [N, count, kHeight]    kept columns of a group, transformed vertically
//
// A block works on kLines columns at a time, kHeight / kEach threads each, in shared memory and
// registers (shearlet_fft.cuh). 8 numbers a thread leave room for enough blocks to hide the latency
// of the few and scattered values.

#include "shearlet_fft.cuh"

constexpr int kEach = 8;
constexpr int kBlock = 256;

template <int kHeight> struct Columns {
    static constexpr int kThreads = kHeight / kEach;
    static constexpr int kLines = kBlock / kThreads;
    static constexpr int kPitch = padded(kHeight) + 1;
    static_assert(kThreads * kLines == kBlock, "columns must fill a block");
};

// kept = vertical inverse transform of (scale * filter * spectrum).
//
//   blockIdx = (tile of kLines kept columns, item)
template <int kHeight>
__global__ void __launch_bounds__(kBlock)
shearlet_columns(const Complex* spectrum, const float* values, const int* source, const int* entries,
                 const Complex* roots, int columns, int first, int count, float scale, Complex* kept) {
    using Shape = Columns<kHeight>;
    __shared__ Complex lines[Shape::kLines][Shape::kPitch];
    const int t = threadIdx.x % Shape::kThreads, which = threadIdx.x / Shape::kThreads;
    const int column = blockIdx.x * Shape::kLines + which;
    const i64 item = blockIdx.y;
    Complex* line = lines[which];
#pragma unroll
    for (int i = 0; i < kEach; ++i) line[padded(t + i * Shape::kThreads)] = {0.0f, 0.0f};
    __syncthreads();
    if (column < count) {
        const Complex* image = spectrum + item * columns * kHeight;
        const int end = entries[first + column + 1];
        for (int e = entries[first + column] + t; e < end; e += Shape::kThreads) {
            const int row = source[e] / columns, x = source[e] % columns;
            line[padded(row)] = scale * values[e] * image[(i64)x * kHeight + row];
        }
    }
    __syncthreads();
    Complex x[kEach];
#pragma unroll
    for (int i = 0; i < kEach; ++i) x[i] = line[padded(t + i * Shape::kThreads)];
    line_fft<kHeight, kEach, 1, 1>(x, line, t, roots);
    if (column < count) {
        Complex* out = kept + (item * count + column) * kHeight;
#pragma unroll
        for (int i = 0; i < kEach; ++i) out[t + i * Shape::kThreads] = x[i];
    }
}

// spectrum += the sum over a group of filters of filter * vertical transform of kept: the transpose
// but for `scale`. A column of the spectrum gathers from all filters, in their order.
//
//   starts [F + 1, 2]  of each filter the number of its first kept column, and its place
//   blockIdx = (tile of kLines columns of the spectrum, item)
template <int kHeight>
__global__ void __launch_bounds__(kBlock)
shearlet_columns_adjoint(const Complex* kept, const float* values, const int* source, const int* entries,
                         const int* starts, const Complex* roots, int columns, int first, int count,
                         int first_filter, int end_filter, Complex* spectrum) {
    using Shape = Columns<kHeight>;
    __shared__ Complex lines[Shape::kLines][Shape::kPitch];
    __shared__ Complex sums[Shape::kLines][Shape::kPitch];
    const int t = threadIdx.x % Shape::kThreads, which = threadIdx.x / Shape::kThreads;
    const int first_column = blockIdx.x * Shape::kLines;
    const int column = first_column + which;
    const i64 item = blockIdx.y;
    Complex *line = lines[which], *sum = sums[which];
    // A thread adds to the rows of its own elements before and after, to others between two barriers.
#pragma unroll
    for (int i = 0; i < kEach; ++i) sum[padded(t + i * Shape::kThreads)] = {0.0f, 0.0f};
    for (int filter = first_filter; filter < end_filter; ++filter) {
        const int start = starts[2 * filter], width = starts[2 * filter + 2] - start;
        int within = column - starts[2 * filter + 1];
        within += within < 0 ? columns : 0;
        const bool sees = column < columns && within < width;
        // Most tiles are outside most filters.
        if (!__syncthreads_or(sees)) continue;
        Complex x[kEach];
#pragma unroll
        for (int i = 0; i < kEach; ++i)
            x[i] = sees ? kept[(item * count + start + within - first) * kHeight + t + i * Shape::kThreads]
                        : Complex{0.0f, 0.0f};
        line_fft<kHeight, kEach, -1, 1>(x, line, t, roots);
        __syncthreads();
#pragma unroll
        for (int i = 0; i < kEach; ++i) line[padded(t + i * Shape::kThreads)] = x[i];
        __syncthreads();
        if (sees) {
            const int end = entries[start + within + 1];
            for (int e = entries[start + within] + t; e < end; e += Shape::kThreads) {
                const int at = padded(source[e] / columns);
                sum[at] = sum[at] + values[e] * line[at];
            }
        }
    }
    __syncthreads();
    if (column < columns) {
        Complex* out = spectrum + (item * columns + column) * kHeight;
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
            const int row = t + i * Shape::kThreads;
            out[row] = out[row] + sum[padded(row)];
        }
    }
}
