// The horizontal transforms of shearlet filters: between kept columns (shearlet_columns.cu) and rows of
// coefficients; and those of images, which are the coefficients of one filter that keeps everything.
//
//   kept          [N, count, height]            half the spectra of rows, transposed
//   coefficients  [N, filters, height, kWidth]  in the type that `storage` names
//   starts        [F + 1, 2]                    the runs (shearlet_run.cuh); null: one that keeps all
//
// Two real rows a and b are one complex line a + i b, and its spectrum z has both of theirs:
//
//   z[k] = A[k] + i B[k],  z[kWidth - k] = conj(A[k]) + i conj(B[k]),  A[k], B[k] = neighbours in `kept`
//
// A block works on kPairs pairs of rows of one filter. Kept columns lie along the rows: 8 pairs take up
// the 128 bytes of a line of the cache, and neighbouring threads are at neighbouring pairs; between rows
// and spectra a line has threads of its own (shearlet_fft.cuh).
//
//   blockIdx    = (tile of 2 * kPairs rows, filter, item)
//   threadIdx.x = pair + kPairs * column at kept columns, thread of a line + kLast * pair at rows

#include "shearlet_fft.cuh"

#include "numbers.cuh"
#include "shearlet_run.cuh"

template <int kWidth> struct Rows {
    static constexpr int kStep = Line<kWidth>::kLast;  // columns at which a block is at once
    static constexpr int kHalf = kWidth / 2, kColumns = kHalf + 1;
    static constexpr int kPairs = kWidth < 1024 ? 8 : 4;
    static constexpr int kBlock = kPairs * kStep;
    // Blocks of a multiprocessor that registers must last for: 640 threads towards coefficients; 512 the
    // other way, where all rows are loaded before the first number is needed. Every device has 16.
    static constexpr int kBlocks = kBlock < 64 ? 16 : 640 / kBlock, kAdjointBlocks = 512 / kBlock;
    static_assert(kBlock % 32 == 0, "warps must be full");
};

// Types of coefficients. They are told apart where they are read and written, not by instantiations,
// of which there are many: every thread takes the same branch.
enum Storage { kFloat = 0, kHalfPrecision = 1, kBfloat16 = 2 };

// The integer of a size.
template <int kBytes> struct Word;
template <> struct Word<2> { typedef short Type; };
template <> struct Word<4> { typedef int Type; };
template <> struct Word<8> { typedef i64 Type; };

// Coefficients are written once and for good: they should not drive the kept columns out of the cache.
template <typename T>
__device__ __forceinline__ void stream(T* to, const T& value) {
    typename Word<sizeof(T)>::Type word;
    memcpy(&word, &value, sizeof word);
    __stcs((typename Word<sizeof(T)>::Type*)to, word);
}

// The bunched numbers of a thread as a pair of rows, and the reverse.
template <int kWidth, typename S>
__device__ __forceinline__ void write_rows(const Complex (&x)[kEach], S* rows, int t) {
    using L = Line<kWidth>;
    typedef Pack<S, L::kNear> Near;
    S* to = rows + L::kNear * t;
#pragma unroll
    for (int i = 0; i < kEach; i += L::kNear) {
        Near a, b;
#pragma unroll
        for (int n = 0; n < L::kNear; ++n) {
            a.item[n] = Narrow<S>::of(x[i + n].re);
            b.item[n] = Narrow<S>::of(x[i + n].im);
        }
        stream((Near*)(to + L::place(i)), a);
        stream((Near*)(to + L::place(i) + kWidth), b);
    }
}

template <int kWidth, typename S>
__device__ __forceinline__ void read_rows(Complex (&x)[kEach], const S* rows, int t) {
    using L = Line<kWidth>;
    typedef Pack<S, L::kNear> Near;
    const S* from = rows + L::kNear * t;
#pragma unroll
    for (int i = 0; i < kEach; i += L::kNear) {
        const Near a = *(const Near*)(from + L::place(i)), b = *(const Near*)(from + L::place(i) + kWidth);
#pragma unroll
        for (int n = 0; n < L::kNear; ++n) x[i + n] = {widen(a.item[n]), widen(b.item[n])};
    }
}

// Coefficients from kept columns. Of columns that are their own mirror images the real part counts.
template <int kWidth>
__global__ void __launch_bounds__(Rows<kWidth>::kBlock, Rows<kWidth>::kBlocks)
shearlet_rows(const Complex* kept, const int* starts, const Complex* roots, int count, int filters, int height,
              int storage, void* coefficients) {
    using L = Line<kWidth>;
    using Shape = Rows<kWidth>;
    __shared__ Neighbours<2> room[Shape::kPairs * L::kPitch / 2];
    Complex* lines = (Complex*)room;
    const int filter = blockIdx.y, row0 = blockIdx.x * 2 * Shape::kPairs;
    const i64 item = blockIdx.z;
    const Run run = starts ? Run(starts, filter) : Run(count);
    {
        const int pair = threadIdx.x % Shape::kPairs, k0 = threadIdx.x / Shape::kPairs;
        const char* tile = (const char*)(kept + (item * count + run.start) * height + row0 + 2 * pair);
        // In bytes, and unsigned: an address is one multiplication and addition.
        const unsigned pitch = height * sizeof(Complex);
        Neighbours<2> rows[kEach / 2];
#pragma unroll
        for (int i = 0; i < kEach / 2; ++i) {
            const unsigned within = run.find(k0 + i * Shape::kStep, Shape::kColumns);
            rows[i] = {{{0.0f, 0.0f}, {0.0f, 0.0f}}};
            if (within < run.width) rows[i] = *(const Neighbours<2>*)(tile + (u64)within * pitch);
        }
        Complex* line = lines + pair * L::kPitch;
        if (k0 == 0) {
            rows[0].item[0].im = rows[0].item[1].im = 0.0f;
            const unsigned within = run.find(Shape::kHalf, Shape::kColumns);
            Neighbours<2> last = {{{0.0f, 0.0f}, {0.0f, 0.0f}}};
            if (within < run.width) last = *(const Neighbours<2>*)(tile + (u64)within * pitch);
            line[padded(Shape::kHalf)] = {last.item[0].re, last.item[1].re};
        }
        // The places of k0 + up and of its mirror image, so that what depends on i is known before. The
        // mirror image of 0 falls behind the line; those of other k0 = 0 fall into the next 32.
        Complex* mirrored = line + Shape::kStep - k0;
        Complex* carried = mirrored + (k0 == 0 ? 2 : 0);
#pragma unroll
        for (int i = 0; i < kEach / 2; ++i) {
            const Complex a = rows[i].item[0], b = rows[i].item[1];
            const int up = i * Shape::kStep, down = kWidth - up - Shape::kStep;
            line[k0 + padded(up)] = {a.re - b.im, a.im + b.re};
            (up % 32 ? mirrored : carried)[padded(down)] = {a.re + b.im, b.re - a.im};
        }
    }
    __syncthreads();
    const int t = threadIdx.x % L::kLast, pair = threadIdx.x / L::kLast;
    Complex* line = lines + pair * L::kPitch;
    Complex x[kEach];
    load_spread<kWidth>(x, line, t);
    fft_spread_to_bunched<kWidth, 1>(x, line, t, roots);
    const i64 out = ((item * filters + filter) * height + row0 + 2 * pair) * kWidth;
    if (storage == kFloat) write_rows<kWidth>(x, (float*)coefficients + out, t);
    else if (storage == kHalfPrecision) write_rows<kWidth>(x, (__half*)coefficients + out, t);
    else write_rows<kWidth>(x, (__nv_bfloat16*)coefficients + out, t);
}

// Twice the kept columns of rows that are coefficients: but for the 2 the transpose of the above with
// respect to spectra of real images.
template <int kWidth>
__global__ void __launch_bounds__(Rows<kWidth>::kBlock, Rows<kWidth>::kAdjointBlocks)
shearlet_rows_adjoint(const void* coefficients, const int* starts, const Complex* roots, int count, int filters,
                      int height, int storage, Complex* kept) {
    using L = Line<kWidth>;
    using Shape = Rows<kWidth>;
    __shared__ Neighbours<2> room[Shape::kPairs * L::kPitch / 2];
    Complex* lines = (Complex*)room;
    const int filter = blockIdx.y, row0 = blockIdx.x * 2 * Shape::kPairs;
    const i64 item = blockIdx.z;
    const Run run = starts ? Run(starts, filter) : Run(count);
    {
        const int t = threadIdx.x % L::kLast, pair = threadIdx.x / L::kLast;
        Complex* line = lines + pair * L::kPitch;
        const i64 in = ((item * filters + filter) * height + row0 + 2 * pair) * kWidth;
        Complex x[kEach];
        if (storage == kFloat) read_rows<kWidth>(x, (const float*)coefficients + in, t);
        else if (storage == kHalfPrecision) read_rows<kWidth>(x, (const __half*)coefficients + in, t);
        else read_rows<kWidth>(x, (const __nv_bfloat16*)coefficients + in, t);
        fft_bunched_to_spread<kWidth, -1>(x, line, t, roots);
        __syncwarp();
        store_spread<kWidth>(x, line, t);
    }
    __syncthreads();
    const int pair = threadIdx.x % Shape::kPairs;
    const Complex* line = lines + pair * L::kPitch;
    Complex* tile = kept + (item * count + run.start) * height + row0 + 2 * pair;
    for (int within = threadIdx.x / Shape::kPairs; within < run.width; within += Shape::kStep) {
        int column = run.first + within;
        column -= column < Shape::kColumns ? 0 : Shape::kColumns;
        const Complex z = line[padded(column)], w = line[padded((kWidth - column) % kWidth)];
        *(Neighbours<2>*)(tile + (i64)within * height) = {{{z.re + w.re, z.im - w.im}, {z.im + w.im, w.re - z.re}}};
    }
}
