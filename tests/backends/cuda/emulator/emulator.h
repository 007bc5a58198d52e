// Just enough of CUDA C++ to run this library's kernels on a CPU: a block at a time, a thread of the
// operating system for each of its threads. Slow, and exact about what a kernel reads and writes.
#pragma once

#include <atomic>
#include <barrier>
#include <cmath>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
// One block runs at a time, so that what a block shares can be static.
#define __shared__ static

struct Dim3 {
    int x, y, z;
};

inline thread_local Dim3 threadIdx, blockIdx;
inline Dim3 blockDim;
inline std::barrier<>* block_barrier;
inline std::atomic<int> any_thread;

inline void __syncthreads() { block_barrier->arrive_and_wait(); }

inline int __syncthreads_or(int predicate) {
    __syncthreads();
    any_thread = 0;
    __syncthreads();
    if (predicate) any_thread = 1;
    __syncthreads();
    const int result = any_thread;
    __syncthreads();
    return result;
}

inline int __syncthreads_and(int predicate) { return !__syncthreads_or(!predicate); }

// Warps: each waits for itself, full ones only.
inline std::deque<std::barrier<>> warp_barriers;
inline std::atomic<int> any_lane[32];
inline thread_local int warp;

inline void __syncwarp() { warp_barriers[warp].arrive_and_wait(); }

inline int __any_sync(unsigned, int predicate) {
    __syncwarp();
    any_lane[warp] = 0;
    __syncwarp();
    if (predicate) any_lane[warp] = 1;
    __syncwarp();
    return any_lane[warp];
}

inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }

inline long long __double2ll_rn(double x) { return llrint(x); }

inline float __fdividef(float x, float y) { return x / y; }

inline float __uint_as_float(unsigned bits) {
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
}

// Hints to a cache that is not there.
template <typename T> void __stcs(T* at, T value) { *at = value; }
template <typename T> T __ldcs(const T* at) { return *at; }

template <typename T> T min(T a, T b) { return a < b ? a : b; }
template <typename T> T max(T a, T b) { return a > b ? a : b; }
using std::ceil, std::fabs, std::floor, std::fma, std::sin, std::sqrt;

template <typename Kernel>
void launch(Dim3 grid, Dim3 block, Kernel kernel) {
    const int count = block.x * block.y * block.z;
    std::barrier<> barrier(count);
    block_barrier = &barrier;
    warp_barriers.clear();
    for (int first = 0; first < count; first += 32) warp_barriers.emplace_back(32);
    blockDim = block;
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t)
        threads.emplace_back([=] {
            warp = t / 32;
            threadIdx = {t % block.x, t / block.x % block.y, t / (block.x * block.y)};
            for (int z = 0; z < grid.z; ++z)
                for (int y = 0; y < grid.y; ++y)
                    for (int x = 0; x < grid.x; ++x) {
                        blockIdx = {x, y, z};
                        kernel();
                        __syncthreads();
                    }
        });
    for (std::thread& thread : threads) thread.join();
}
