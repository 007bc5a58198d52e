// The march of a ray through the lines of a padded image.
#pragma once

#include "rays.cuh"

// Between which pixels a ray crosses a line, and the weights of the left and the right one.
template <typename T>
struct Crossing {
    unsigned left;  // offset in the image
    T left_weight, right_weight;
};

template <typename T> struct March;

// For float a place is one 64-bit number: the offset of the left pixel in the upper word, the fraction
// in the lower one. One addition moves it to the next line, and integers do not round on the way.
template <>
struct March<float> {
    u64 place, step;

    // Begins at a line, also at one that the ray crosses outside the image.
    __device__ March(const Ray& ray, int pitch, int line) {
        step = fixed(ray.slope) + ((u64)pitch << 32);
        place = fixed(ray.intercept + kPad) + step * (u64)line;
    }

    // Negative numbers wrap around, which the additions undo.
    static __device__ __forceinline__ u64 fixed(double x) { return (u64)__double2ll_rn(ldexp(x, 32)); }

    __device__ __forceinline__ Crossing<float> next() {
        // 23 bits of the fraction make a number in [1, 2) without a conversion.
        const float f = __uint_as_float(((unsigned)place >> 9) | 0x3f800000u);
        const unsigned left = (unsigned)(place >> 32);
        place += step;
        return {left, 2.0f - f, f - 1.0f};
    }
};

template <>
struct March<double> {
    double intercept, slope;
    int line, pitch;

    __device__ March(const Ray& ray, int pitch, int line)
        : intercept(ray.intercept + kPad), slope(ray.slope), line(line), pitch(pitch) {}

    __device__ __forceinline__ Crossing<double> next() {
        const double position = intercept + slope * line;
        const double whole = floor(position);
        const unsigned left = (unsigned)line * pitch + (unsigned)whole;
        ++line;
        return {left, 1.0 - (position - whole), position - whole};
    }
};
