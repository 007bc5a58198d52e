// Complex numbers, and Fourier transforms of up to 32 of them in the registers of one thread.
#pragma once

struct alignas(8) Complex {
    float re, im;
};

__device__ __forceinline__ Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
__device__ __forceinline__ Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
__device__ __forceinline__ Complex operator*(float a, Complex b) { return {a * b.re, a * b.im}; }

// a * b, or a * conj(b) if kSign is negative: b is a root of unity that belongs to the sign 1.
template <int kSign>
__device__ __forceinline__ Complex turned(Complex a, Complex b) {
    if constexpr (kSign > 0) return {fmaf(a.re, b.re, -a.im * b.im), fmaf(a.re, b.im, a.im * b.re)};
    else return {fmaf(a.re, b.re, a.im * b.im), fmaf(a.im, b.re, -a.re * b.im)};
}

// cos(2 pi k / 32)
template <int k> struct Cosine32;
template <> struct Cosine32<1> { static constexpr float value = 0.98078528040323044f; };
template <> struct Cosine32<2> { static constexpr float value = 0.92387953251128674f; };
template <> struct Cosine32<3> { static constexpr float value = 0.83146961230254524f; };
template <> struct Cosine32<4> { static constexpr float value = 0.70710678118654752f; };
template <> struct Cosine32<5> { static constexpr float value = 0.55557023301960222f; };
template <> struct Cosine32<6> { static constexpr float value = 0.38268343236508977f; };
template <> struct Cosine32<7> { static constexpr float value = 0.19509032201612827f; };

// even + w * odd and even - w * odd, w = exp(kSign * 2 pi i k / kSize), k below half of kSize.
template <int k, int kSize, int kSign>
__device__ __forceinline__ void butterfly(Complex even, Complex odd, Complex& sum, Complex& difference) {
    constexpr float s = kSign;
    if constexpr (k == 0) {
        sum = even + odd;
        difference = even - odd;
    } else if constexpr (4 * k == kSize) {
        sum = {even.re - s * odd.im, even.im + s * odd.re};
        difference = {even.re + s * odd.im, even.im - s * odd.re};
    } else if constexpr (8 * k == kSize || 8 * k == 3 * kSize) {
        // The factor of both parts is left to the additions.
        constexpr float h = Cosine32<4>::value, c = 8 * k == kSize ? 1.0f : -1.0f;
        const Complex w = {c * odd.re - s * odd.im, s * odd.re + c * odd.im};
        sum = {fmaf(h, w.re, even.re), fmaf(h, w.im, even.im)};
        difference = {fmaf(-h, w.re, even.re), fmaf(-h, w.im, even.im)};
    } else {
        static_assert(32 % kSize == 0, "there are cosines up to 32 parts of a circle");
        constexpr int n = k * (32 / kSize);
        constexpr float c = n < 8 ? Cosine32<(n < 8 ? n : 16 - n)>::value : -Cosine32<(n < 8 ? n : 16 - n)>::value;
        constexpr float d = s * Cosine32<(n < 8 ? 8 - n : n - 8)>::value;
        const Complex w = {fmaf(c, odd.re, -d * odd.im), fmaf(c, odd.im, d * odd.re)};
        sum = even + w;
        difference = even - w;
    }
}

template <int k, int kSize, int kSign>
__device__ __forceinline__ void combine(const Complex (&even)[kSize / 2], const Complex (&odd)[kSize / 2],
                                        Complex (&out)[kSize]) {
    butterfly<k, kSize, kSign>(even[k], odd[k], out[k], out[k + kSize / 2]);
    if constexpr (k + 1 < kSize / 2) combine<k + 1, kSize, kSign>(even, odd, out);
}

// x[j] <- sum over k of x[k] exp(kSign * 2 pi i j k / kSize)
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
