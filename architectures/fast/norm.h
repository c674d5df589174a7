#pragma once

#include "passes.h"

// Functions of their own, as compilers give up on a loop whose pointers a lambda holds.

// One place of norm_act_sums.
inline void norm_act_sums_row(const float* __restrict g, const float* __restrict x, const float* __restrict scale,
                              const float* __restrict shift, const float* __restrict slope,
                              const float* __restrict mean, int64_t channels, float* __restrict sums) {
  float *products = sums + channels, *slopes = sums + 2 * channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float a = x[c] * scale[c] + shift[c], h = before_activated(g[c], a, slope[c]);
    sums[c] += h;
    products[c] += h * (x[c] - mean[c]);
    slopes[c] += g[c] * below(a);
  }
}

// One place of norm_act_back: `out` may be `g`.
inline void norm_act_back_row(const float* g, const float* __restrict x, const float* __restrict scale,
                              const float* __restrict shift, const float* __restrict slope,
                              const float* __restrict along, const float* __restrict constant, int64_t channels,
                              float* out) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float h = before_activated(g[c], x[c] * scale[c] + shift[c], slope[c]);
    out[c] = scale[c] * h + x[c] * along[c] + constant[c];
  }
}
