// The kernels name bfloat16 even where they are not instantiated with it.
#pragma once

struct __nv_bfloat16 {
    float value;
    __nv_bfloat16() = default;
    __nv_bfloat16(float x) : value(x) {}
    operator float() const { return value; }
};
inline float __bfloat162float(__nv_bfloat16 x) { return x.value; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
