// The kernels name half precision even where they are not instantiated with it.
#pragma once

struct __half {
    float value;
    __half() = default;
    __half(float x) : value(x) {}
    operator float() const { return value; }
};
inline float __half2float(__half x) { return x.value; }
inline __half __float2half_rn(float x) { return x; }
