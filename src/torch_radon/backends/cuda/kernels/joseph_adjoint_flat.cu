// The transpose of Joseph's forward projection of fan beams with a flat detector, in two dimensions.
// gather.cuh has layout and threads.
//
// flat.cuh has the mathematics.

#include "flat.cuh"
#include "gather.cuh"

template <typename S,  // storage of the sinograms
          typename O,  // type of the result
          int kVec,    // images of a pack, read at once
          int kPacks,  // packs a thread sums
          int kX,      // threads of a tile along W
          int kY,      // and along H
          int kRows,   // pixels a thread, kY apart along H
          int kSplit>  // threads that share a pixel's views
__global__ void __launch_bounds__(kX* kY* kSplit, kGatherResident / (kX * kY * kSplit))
adjoint_flat(const S* sinogram, const RayWeight<typename Accumulator<S>::Type>* rays, GEOMETRY, O* out) {
    typedef FlatAdjoint<typename Accumulator<S>::Type> Kind;
    gather<Kind, S, O, kVec, kPacks, kX, kY, kRows, kSplit>(Kind{rays}, sinogram, GEOMETRY_STRUCT, out);
}
