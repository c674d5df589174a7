// Batch norm and the activation after it: act(x * scale + shift), act(a) = a above 0 and slope * a elsewhere.

#include "norm.h"

extern "C" {

// Per channel the sum and the sum of squares of x - origin: out (2, channels). `origin` (channels) near the mean keeps
// the digits of the variance.
void moments(const float* x, const float* origin, int64_t rows, int64_t channels, int threads, double* out) {
  sum_blocks(1, rows, channels, 2, threads, out, [=](int64_t, int64_t first, int64_t last, float* sums) {
    float* squares = sums + channels;
    for (int64_t row = first; row < last; ++row) {
      const float* values = x + row * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float d = values[c] - origin[c];
        sums[c] += d;
        squares[c] += d * d;
      }
    }
  });
}

// y = act(x * scale + shift).
void norm_act(const float* x, const float* scale, const float* shift, const float* slope, int64_t rows,
              int64_t channels, int threads, float* y) {
#pragma omp parallel num_threads(threads)
  {
    Lines lines(y, rows, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = x + row * channels;
      float* to = lines.of(y + row * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) to[c] = activated(from[c] * scale[c] + shift[c], slope[c]);
      lines.written(y + row * channels);
    }
  }
}

// Per channel, of the gradient h before the activation: sum h, sum h * (x - mean), sum of the slope's gradient:
// out (3, channels).
void norm_act_sums(const float* g, const float* x, const float* scale, const float* shift, const float* slope,
                   const float* mean, int64_t rows, int64_t channels, int threads, double* out) {
  sum_blocks(1, rows, channels, 3, threads, out, [=](int64_t, int64_t first, int64_t last, float* sums) {
    for (int64_t row = first; row < last; ++row)
      norm_act_sums_row(g + row * channels, x + row * channels, scale, shift, slope, mean, channels, sums);
  });
}

// The gradient of x: scale * h + x * along + constant, per channel. `out` may be `g`.
void norm_act_back(const float* g, const float* x, const float* scale, const float* shift, const float* slope,
                   const float* along, const float* constant, int64_t rows, int64_t channels, int threads, float* out) {
#pragma omp parallel num_threads(threads)
  {
    Lines lines(out, out == g ? 0 : rows, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      norm_act_back_row(g + row * channels, x + row * channels, scale, shift, slope, along, constant, channels,
                        lines.of(out + row * channels));
      lines.written(out + row * channels);
    }
  }
}

}  // extern "C"
