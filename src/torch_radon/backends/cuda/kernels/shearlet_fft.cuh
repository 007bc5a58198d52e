// Fourier transforms of a power of two within a block: elements in registers, exchanged through
// shared memory.
//
// A line of kSize numbers belongs to kSize / kEach neighbouring threads of kEach numbers each: thread t
// holds the elements t + i * kSize / kEach, before and after, in natural order (Stockham's algorithm,
// which sorts as it goes). So global memory is read and written by neighbouring threads in
// neighbouring places, and the first and last pass need no shared memory. Radices are kEach and, in
// the last pass, what is left: with 8 numbers a thread a line of 512 is exchanged twice, with 16 one
// of 256 once.
#pragma once

typedef long long i64;

struct alignas(8) Complex {
    float re, im;
};

__device__ __forceinline__ Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
__device__ __forceinline__ Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
__device__ __forceinline__ Complex operator*(Complex a, Complex b) {
    return {fmaf(a.re, b.re, -a.im * b.im), fmaf(a.re, b.im, a.im * b.re)};
}
__device__ __forceinline__ Complex operator*(float a, Complex b) { return {a * b.re, a * b.im}; }
__device__ __forceinline__ Complex conj(Complex a) { return {a.re, -a.im}; }

// One number more in 16: neither elements that lie 8 or 16 apart nor neighbours share a bank.
__device__ __forceinline__ constexpr int padded(int index) { return index + (index >> 4); }

// cos(2 pi k / 16)
template <int k> struct Cosine16;
template <> struct Cosine16<1> { static constexpr float value = 0.92387953251128674f; };
template <> struct Cosine16<3> { static constexpr float value = 0.38268343236508977f; };
template <> struct Cosine16<5> { static constexpr float value = -0.38268343236508977f; };
template <> struct Cosine16<7> { static constexpr float value = -0.92387953251128674f; };

// a * exp(kSign * 2 pi i k / kSize), kSize up to 16 and k below half of it.
template <int k, int kSize, int kSign>
__device__ __forceinline__ Complex turned(Complex a) {
    constexpr float kHalf = 0.70710678118654752f;
    constexpr float s = kSign;
    if constexpr (k == 0) return a;
    else if constexpr (4 * k == kSize) return {-s * a.im, s * a.re};
    else if constexpr (8 * k == kSize) return {kHalf * (a.re - s * a.im), kHalf * (a.im + s * a.re)};
    else if constexpr (8 * k == 3 * kSize) return {-kHalf * (a.re + s * a.im), kHalf * (s * a.re - a.im)};
    else {
        static_assert(kSize == 16, "smaller radices have only the angles above");
        // sin(2 pi k / 16) = cos(2 pi (4 - k) / 16)
        constexpr float sine = Cosine16<(k < 4 ? 4 - k : k - 4)>::value;
        return a * Complex{Cosine16<k>::value, s * sine};
    }
}

template <int k, int kSize, int kSign>
__device__ __forceinline__ void combine(const Complex (&even)[kSize / 2], const Complex (&odd)[kSize / 2],
                                        Complex (&out)[kSize]) {
    const Complex other = turned<k, kSize, kSign>(odd[k]);
    out[k] = even[k] + other;
    out[k + kSize / 2] = even[k] - other;
    if constexpr (k + 1 < kSize / 2) combine<k + 1, kSize, kSign>(even, odd, out);
}

// The transform of a few numbers in the registers of one thread.
template <int kSize, int kSign>
__device__ __forceinline__ void small_fft(Complex (&x)[kSize]) {
    if constexpr (kSize > 1) {
        Complex even[kSize / 2], odd[kSize / 2];
#pragma unroll
        for (int i = 0; i < kSize / 2; ++i) {
            even[i] = x[2 * i];
            odd[i] = x[2 * i + 1];
        }
        small_fft<kSize / 2, kSign>(even);
        small_fft<kSize / 2, kSign>(odd);
        combine<0, kSize, kSign>(even, odd, x);
    }
}

// x[j] <- sum over k of x[k] exp(kSign * 2 pi i j k / kSize), nothing else. All threads of the block
// must call it.
//
//   x      the elements of thread t of the line
//   line   shared memory for the line, padded(kSize) numbers; what it holds may have been read before
//   roots  exp(2 pi i k / (kSize * kStep)) at k
//
// kDone is the product of the radices of the passes that are done.
template <int kSize, int kEach, int kSign, int kStep, int kDone = 1>
__device__ __forceinline__ void line_fft(Complex (&x)[kEach], Complex* line, int t, const Complex* roots) {
    constexpr int kThreads = kSize / kEach;
    constexpr int kRadix = kSize / kDone < kEach ? kSize / kDone : kEach;
    constexpr int kButterflies = kEach / kRadix;
    constexpr bool kIsLast = kDone * kRadix == kSize;
    static_assert(kThreads >= 1 && kSize % kEach == 0, "a line needs at least one thread");
    static_assert((kSize & (kSize - 1)) == 0, "only powers of two");
    if constexpr (!kIsLast) __syncthreads();
#pragma unroll
    for (int m = 0; m < kButterflies; ++m) {
        const int j = t + m * kThreads;
        const int within = j % kDone;
        Complex few[kRadix];
#pragma unroll
        for (int q = 0; q < kRadix; ++q) {
            few[q] = x[m + q * kButterflies];
            if (kDone > 1 && q > 0) {
                const Complex root = roots[within * q * (kSize / (kDone * kRadix)) * kStep];
                few[q] = few[q] * (kSign > 0 ? root : conj(root));
            }
        }
        small_fft<kRadix, kSign>(few);
#pragma unroll
        for (int q = 0; q < kRadix; ++q) {
            if constexpr (kIsLast) x[m + q * kButterflies] = few[q];
            else line[padded((j - within) * kRadix + within + q * kDone)] = few[q];
        }
    }
    if constexpr (!kIsLast) {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < kEach; ++i) x[i] = line[padded(t + i * kThreads)];
        line_fft<kSize, kEach, kSign, kStep, kDone * kRadix>(x, line, t, roots);
    }
}
