// Which columns of half a spectrum a filter keeps: a run of neighbours that may wrap around its end.
#pragma once

struct Run {
    int start;  // number of its first column among the kept columns of all filters
    int first;  // the place of that in the spectrum
    int width;

    // starts  [F + 1, 2]  of each filter these, the first two
    __device__ __forceinline__ Run(const int* starts, int filter)
        : start(starts[2 * filter]), first(starts[2 * filter + 1]), width(starts[2 * filter + 2] - start) {}

    // A filter that keeps everything.
    __device__ __forceinline__ explicit Run(int columns) : start(0), first(0), width(columns) {}

    // Where in the run a column of the spectrum is, at least `width` if it is not.
    __device__ __forceinline__ unsigned find(int column, int columns) const {
        const unsigned within = column - first;
        return min(within, within + columns);
    }
};
