// Batch norm and the activation after it: y = leaky(x * scale + shift, slope).

#include "rows.h"

namespace {

// For each channel: scale and shift of the norm, and the inverse standard deviation.
struct Norm {
  std::vector<float> scale, shift, inverse;

  Norm(const float* mean, const float* variance, const float* weight, const float* bias, double eps, int64_t channels)
      : scale(channels), shift(channels), inverse(channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const double inverse_std = 1.0 / std::sqrt(variance[c] + eps);
      inverse[c] = static_cast<float>(inverse_std);
      scale[c] = static_cast<float>(weight[c] * inverse_std);
      shift[c] = static_cast<float>(bias[c] - mean[c] * weight[c] * inverse_std);
    }
  }
};

// The row loops are functions because compilers do not vectorize a loop over pointers that a lambda captures.

inline void moments_row(const float* __restrict x, const float* __restrict origin, int64_t channels,
                        float* __restrict sums) {
  float* squares = sums + channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float d = x[c] - origin[c];
    sums[c] += d;
    squares[c] += d * d;
  }
}

inline void norm_act_row(const float* __restrict x, const float* __restrict scale, const float* __restrict shift,
                         const float* __restrict slope, int64_t channels, float* __restrict y) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) y[c] = leaky(x[c] * scale[c] + shift[c], slope[c]);
}

inline void backward_sums_row(const float* __restrict g, const float* __restrict x, const float* __restrict scale,
                              const float* __restrict shift, const float* __restrict slope,
                              const float* __restrict mean, int64_t channels, float* __restrict sums) {
  float *products = sums + channels, *slopes = sums + 2 * channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float value = x[c] * scale[c] + shift[c], h = leaky_backward(g[c], value, slope[c]);
    sums[c] += h;
    products[c] += h * (x[c] - mean[c]);
    slopes[c] += value < 0 ? g[c] * value : 0.0f;
  }
}

// gx = scale * h + along * x + constant, where h is the gradient before the activation.
inline void norm_act_backward_row(const float* __restrict g, const float* __restrict x, const float* __restrict scale,
                                  const float* __restrict shift, const float* __restrict slope,
                                  const float* __restrict along, const float* __restrict constant, int64_t channels,
                                  float* __restrict gx) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float h = leaky_backward(g[c], x[c] * scale[c] + shift[c], slope[c]);
    gx[c] = scale[c] * h + along[c] * x[c] + constant[c];
  }
}

}  // namespace

extern "C" {

// Writes the mean and the biased variance of each channel of x (rows, channels) to out (2, channels).
void moments(const float* x, int64_t rows, int64_t channels, int threads, float* out) {
  // Sums are taken of the differences from the first row, which keeps the variance exact where the mean is large.
  const auto sums = sum_blocks(1, rows, 2 * channels, threads, [=](int64_t, int64_t first, int64_t last, float* part) {
    for (int64_t row = first; row < last; ++row) moments_row(x + row * channels, x, channels, part);
  });
  for (int64_t c = 0; c < channels; ++c) {
    const double off = sums[c] / rows;
    out[c] = static_cast<float>(x[c] + off);
    out[channels + c] = static_cast<float>(std::max(0.0, sums[channels + c] / rows - off * off));
  }
}

void norm_act(const float* x, const float* mean, const float* variance, const float* weight, const float* bias,
              const float* slope, double eps, int64_t rows, int64_t channels, int threads, float* y) {
  const Norm norm(mean, variance, weight, bias, eps, channels);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t row = 0; row < rows; ++row)
    norm_act_row(x + row * channels, norm.scale.data(), norm.shift.data(), slope, channels, y + row * channels);
}

// Computes from g, the gradient of y, the gradient gx of x and the gradients of weight, bias and slope (3, channels).
// `mean` and `variance` are the batch statistics of x.
void norm_act_backward(const float* g, const float* x, const float* mean, const float* variance, const float* weight,
                       const float* bias, const float* slope, double eps, int64_t rows, int64_t channels, int threads,
                       float* gx, float* gradients) {
  const Norm norm(mean, variance, weight, bias, eps, channels);
  const float *scale = norm.scale.data(), *shift = norm.shift.data();
  const auto sums = sum_blocks(1, rows, 3 * channels, threads, [=](int64_t, int64_t first, int64_t last, float* part) {
    for (int64_t row = first; row < last; ++row)
      backward_sums_row(g + row * channels, x + row * channels, scale, shift, slope, mean, channels, part);
  });
  std::vector<float> along(channels), constant(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const double total = sums[c], product = sums[channels + c] * norm.inverse[c];
    const double slant = -norm.scale[c] * norm.inverse[c] * product / rows;
    along[c] = static_cast<float>(slant);
    constant[c] = static_cast<float>(-norm.scale[c] * total / rows - slant * mean[c]);
    gradients[c] = static_cast<float>(product);
    gradients[channels + c] = static_cast<float>(total);
    gradients[2 * channels + c] = static_cast<float>(sums[2 * channels + c]);
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t row = 0; row < rows; ++row)
    norm_act_backward_row(g + row * channels, x + row * channels, scale, shift, slope, along.data(), constant.data(),
                          channels, gx + row * channels);
}

}  // extern "C"
