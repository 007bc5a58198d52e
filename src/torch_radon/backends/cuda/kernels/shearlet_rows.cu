// The horizontal transforms of shearlet filters: between the kept columns of a group of filters
// (shearlet_columns.cu) and rows of coefficients.
//
//   kept         [N, count, height]         as Complex
//   coefficients [N, filters, height, kWidth]  in the type that `storage` names
//   starts       [F + 1, 2]                 of each filter the number of its first kept column, and
//                                           the place of that in the spectrum
//
// A real row of kWidth is a complex line of half the length, its even places as real and its odd ones
// as imaginary parts. Its spectrum has kHalf + 1 columns of which a filter keeps a run. A block works
// on kRows rows of one filter, kHalf / kEach threads each: so many that the kept columns, which lie
// along the rows, are read and written by whole lines of the cache, as far as shared memory lasts. With
// 16 numbers a thread a row of 512 takes one exchange.
//
//   blockIdx = (tile of kRows rows, filter of the group, item)

#include "shearlet_fft.cuh"

#include "numbers.cuh"

constexpr int kEach = 16;

// Types of coefficients. They are told apart where they are read and written, not by instantiations,
// of which there are many: every thread takes the same branch.
enum Storage { kFloat = 0, kHalfPrecision = 1, kBfloat16 = 2 };

// The integer of a size.
template <int kBytes> struct Word;
template <> struct Word<4> { typedef int Type; };
template <> struct Word<8> { typedef i64 Type; };

template <typename To, typename From>
__device__ __forceinline__ To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "bits of another size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

// Coefficients pass once. Marked so, they do not drive the kept columns out of the cache.
template <typename S>
__device__ __forceinline__ void write(void* coefficients, i64 at, Complex x) {
    typedef typename Word<sizeof(Pack<S, 2>)>::Type W;
    const Pack<S, 2> pair = {{Narrow<S>::of(x.re), Narrow<S>::of(x.im)}};
    __stcs((W*)coefficients + at, same_bits<W>(pair));
}

template <typename S>
__device__ __forceinline__ Complex read(const void* coefficients, i64 at) {
    typedef typename Word<sizeof(Pack<S, 2>)>::Type W;
    const Pack<S, 2> pair = same_bits<Pack<S, 2>>(__ldcs((const W*)coefficients + at));
    return {widen(pair.item[0]), widen(pair.item[1])};
}

template <int kWidth> struct Rows {
    static constexpr int kHalf = kWidth / 2;
    static constexpr int kThreads = kHalf / kEach;
    static constexpr int kRows = kHalf > 128 ? 4096 / kHalf : 32;
    static constexpr int kBlock = kRows * kThreads;
    // One number more: a column of the tile touches every bank once.
    static constexpr int kPitch = padded(kHalf) + 1;
    static_assert(kThreads >= 1, "a row needs at least one thread");
};

// A filter's run of kept columns.
struct Run {
    int start, first, width;

    __device__ __forceinline__ Run(const int* starts, int filter)
        : start(starts[2 * filter]), first(starts[2 * filter + 1]), width(starts[2 * filter + 2] - start) {}

    // Where in the run a column of the spectrum is, at least `width` if it is not.
    __device__ __forceinline__ int find(int column, int columns) const {
        const int within = column - first;
        return within < 0 ? within + columns : within;
    }
};

// Coefficients from kept columns: rows that are real, from half their spectra.
template <int kWidth>
__global__ void __launch_bounds__(Rows<kWidth>::kBlock)
shearlet_rows(const Complex* kept, const int* starts, const Complex* roots, int first, int count,
              int first_filter, int filters, int height, int storage, void* coefficients) {
    using Shape = Rows<kWidth>;
    constexpr int kHalf = Shape::kHalf, kColumns = kHalf + 1;
    __shared__ Complex lines[Shape::kRows][Shape::kPitch];
    const int filter = first_filter + blockIdx.y, row0 = blockIdx.x * Shape::kRows;
    const i64 item = blockIdx.z;
    const Run run(starts, filter);
    const Complex* tile = kept + (item * count + run.start - first) * height + row0;
#pragma unroll 4
    for (int place = threadIdx.x; place < run.width * Shape::kRows; place += Shape::kBlock) {
        const int row = place % Shape::kRows, within = place / Shape::kRows;
        lines[row][padded(within)] = tile[(i64)within * height + row];
    }
    __syncthreads();
    const int t = threadIdx.x % Shape::kThreads, row = threadIdx.x / Shape::kThreads;
    Complex* line = lines[row];
    Complex x[kEach];
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        // The spectra of the even and the odd places, the latter times the imaginary unit.
        const int k = t + i * Shape::kThreads;
        const int here = run.find(k, kColumns), mirrored = run.find(kHalf - k, kColumns);
        x[i] = {0.0f, 0.0f};
        if (here < run.width || mirrored < run.width) {
            const Complex a = here < run.width ? line[padded(here)] : x[i];
            const Complex b = mirrored < run.width ? conj(line[padded(mirrored)]) : x[i];
            const Complex odd = (a - b) * roots[k];
            x[i] = a + b + Complex{-odd.im, odd.re};
        }
    }
    line_fft<kHalf, kEach, 1, 2>(x, line, t, roots);
    const i64 out = ((item * filters + filter) * height + row0 + row) * kHalf + t;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        const i64 place = out + i * Shape::kThreads;
        if (storage == kFloat) write<float>(coefficients, place, x[i]);
        else if (storage == kHalfPrecision) write<__half>(coefficients, place, x[i]);
        else write<__nv_bfloat16>(coefficients, place, x[i]);
    }
}

// Kept columns from coefficients: half the spectra of real rows, the transpose of the above with
// respect to spectra of real images.
template <int kWidth>
__global__ void __launch_bounds__(Rows<kWidth>::kBlock)
shearlet_rows_adjoint(const void* coefficients, const int* starts, const Complex* roots, int first, int count,
                      int first_filter, int filters, int height, int storage, Complex* kept) {
    using Shape = Rows<kWidth>;
    constexpr int kHalf = Shape::kHalf, kColumns = kHalf + 1;
    __shared__ Complex lines[Shape::kRows][Shape::kPitch];
    const int filter = first_filter + blockIdx.y, row0 = blockIdx.x * Shape::kRows;
    const i64 item = blockIdx.z;
    const Run run(starts, filter);
    const int t = threadIdx.x % Shape::kThreads, row = threadIdx.x / Shape::kThreads;
    Complex* line = lines[row];
    const i64 in = ((item * filters + filter) * height + row0 + row) * kHalf + t;
    Complex x[kEach];
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        const i64 place = in + i * Shape::kThreads;
        if (storage == kFloat) x[i] = read<float>(coefficients, place);
        else if (storage == kHalfPrecision) x[i] = read<__half>(coefficients, place);
        else x[i] = read<__nv_bfloat16>(coefficients, place);
    }
    line_fft<kHalf, kEach, -1, 2>(x, line, t, roots);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kEach; ++i) line[padded(t + i * Shape::kThreads)] = x[i];
    __syncthreads();
    Complex* tile = kept + (item * count + run.start - first) * height + row0;
    for (int place = threadIdx.x; place < run.width * Shape::kRows; place += Shape::kBlock) {
        const int r = place % Shape::kRows, within = place / Shape::kRows;
        int column = run.first + within;
        column -= column < kColumns ? 0 : kColumns;
        const Complex a = lines[r][padded(column % kHalf)];
        const Complex b = conj(lines[r][padded((kHalf - column) % kHalf)]);
        const Complex odd = (a - b) * conj(roots[column]);
        tile[(i64)within * height + r] = 0.5f * (a + b + Complex{odd.im, -odd.re});
    }
}
