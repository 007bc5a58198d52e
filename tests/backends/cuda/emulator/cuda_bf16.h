// Storage in bfloat16: the upper half of a float32, rounded to nearest even. No numbers beyond the range.
#pragma once

#include <cstring>

struct __nv_bfloat16 {
    unsigned short bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(float x) {
        unsigned word;
        std::memcpy(&word, &x, sizeof word);
        bits = (word + 0x7fff + (word >> 16 & 1)) >> 16;
    }
    operator float() const {
        const unsigned word = (unsigned)bits << 16;
        float x;
        std::memcpy(&x, &word, sizeof x);
        return x;
    }
};
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
struct __nv_bfloat162 {
    __nv_bfloat16 x, y;
};
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
