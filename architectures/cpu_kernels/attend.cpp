// CBAM, the sum and the activation after it: y = leaky(x * weights * map + shortcut, slope).
//
// `weights` (images, channels) is the output of the channel attention, `map` (images, positions) that of the spatial
// attention. attend.py computes the MLP and the convolution that produce them.

#include "rows.h"

namespace {

inline void pool_positions_row(const float* __restrict x, int32_t position, int64_t channels, float* __restrict sums,
                               float* __restrict maximum, int32_t* __restrict argmax) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    sums[c] += x[c];
    const bool larger = x[c] > maximum[c];
    maximum[c] = larger ? x[c] : maximum[c];
    argmax[c] = larger ? position : argmax[c];
  }
}

// Returns the channel of the maximum product; among equal products, the first.
inline int32_t pool_channels_row(const float* __restrict x, const float* __restrict weights, int32_t channels,
                                 float* __restrict products, float& mean, float& maximum) {
  float sum = 0.0f, max_product = x[0] * weights[0];
#pragma omp simd reduction(+ : sum) reduction(max : max_product)
  for (int32_t c = 0; c < channels; ++c) {
    products[c] = x[c] * weights[c];
    sum += products[c];
    max_product = products[c] > max_product ? products[c] : max_product;
  }
  mean = sum / channels;
  maximum = max_product;
  int32_t first = channels - 1;
#pragma omp simd reduction(min : first)
  for (int32_t c = 0; c < channels; ++c) first = products[c] == max_product && c < first ? c : first;
  return first;
}

inline void attend_row(const float* __restrict x, const float* __restrict weights, float map,
                       const float* __restrict shortcut, const float* __restrict slope, int64_t channels,
                       float* __restrict y) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) y[c] = leaky(x[c] * weights[c] * map + shortcut[c], slope[c]);
}

// Returns the gradient of the map.
inline float sum_backward_row(const float* __restrict g, const float* __restrict x, const float* __restrict weights,
                              float map, const float* __restrict shortcut, const float* __restrict slope,
                              int64_t channels, float* __restrict h, float* __restrict slopes) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < channels; ++c) {
    const float product = x[c] * weights[c], value = product * map + shortcut[c];
    h[c] = leaky_backward(g[c], value, slope[c]);
    slopes[c] += value < 0 ? g[c] * value : 0.0f;
    sum += h[c] * product;
  }
  return sum;
}

inline void weights_backward_row(const float* __restrict h, const float* __restrict x, float map, float mean,
                                 int64_t channels, float* __restrict sums) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) sums[c] += (h[c] * map + mean) * x[c];
}

}  // namespace

extern "C" {

// For each channel of each image: writes the mean and the maximum over the positions to pooled (2, images, channels),
// and the first position of the maximum to argmax (images, channels).
void pool_positions(const float* x, int64_t images, int64_t positions, int64_t channels, int threads, float* pooled,
                    int32_t* argmax) {
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> sums(channels);
    std::vector<double> totals(channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      const float* values = x + image * positions * channels;
      float *mean = pooled + image * channels, *maximum = mean + images * channels;
      int32_t* image_argmax = argmax + image * channels;
      std::copy_n(values, channels, maximum);
      std::fill_n(image_argmax, channels, 0);
      std::fill(totals.begin(), totals.end(), 0.0);
      for (int64_t first = 0; first < positions; first += BLOCK) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t position = first; position < std::min(positions, first + BLOCK); ++position)
          pool_positions_row(values + position * channels, static_cast<int32_t>(position), channels, sums.data(),
                             maximum, image_argmax);
        for (int64_t c = 0; c < channels; ++c) totals[c] += sums[c];
      }
      for (int64_t c = 0; c < channels; ++c) mean[c] = static_cast<float>(totals[c] / positions);
    }
  }
}

// For each position of each image: writes the mean and the maximum of x * weights over the channels to pooled
// (images, 2, positions), and the first channel of the maximum to argmax (images, positions).
void pool_channels(const float* x, const float* weights, int64_t images, int64_t positions, int64_t channels,
                   int threads, float* pooled, int32_t* argmax) {
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> products(channels);
    for_blocks(images, positions, [&](int64_t image, int64_t first, int64_t last) {
      float *mean = pooled + 2 * image * positions, *maximum = mean + positions;
      for (int64_t position = first; position < last; ++position) {
        const int64_t row = image * positions + position;
        argmax[row] = pool_channels_row(x + row * channels, weights + image * channels, static_cast<int32_t>(channels),
                                        products.data(), mean[position], maximum[position]);
      }
    });
  }
}

// Computes y; a null `shortcut` counts as zeros.
void attend(const float* x, const float* weights, const float* map, const float* shortcut, const float* slope,
            int64_t images, int64_t positions, int64_t channels, int threads, float* y) {
  const std::vector<float> zeros(channels, 0.0f);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t row = 0; row < images * positions; ++row)
    attend_row(x + row * channels, weights + row / positions * channels, map[row],
               shortcut ? shortcut + row * channels : zeros.data(), slope, channels, y + row * channels);
}

// Computes from g, the gradient of y, the gradient h of the sum and those of map (images, positions) and slope
// (channels).
void sum_backward(const float* g, const float* x, const float* weights, const float* map, const float* shortcut,
                  const float* slope, int64_t images, int64_t positions, int64_t channels, int threads, float* h,
                  float* map_gradient, float* slope_gradient) {
  const std::vector<float> zeros(channels, 0.0f);
  const auto sums =
      sum_blocks(images, positions, channels, threads, [&](int64_t image, int64_t first, int64_t last, float* part) {
        for (int64_t row = image * positions + first; row < image * positions + last; ++row)
          map_gradient[row] = sum_backward_row(g + row * channels, x + row * channels, weights + image * channels,
                                               map[row], shortcut ? shortcut + row * channels : zeros.data(), slope,
                                               channels, h + row * channels, part);
      });
  std::copy(sums.begin(), sums.end(), slope_gradient);
}

// Computes the gradient of weights, out (images, channels). `pooled` (images, 2, positions) holds the gradients of the
// outputs of pool_channels.
void weights_backward(const float* h, const float* x, const float* map, const float* pooled, const int32_t* argmax,
                      int64_t images, int64_t positions, int64_t channels, int threads, float* out) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t image = 0; image < images; ++image) {
    const float *mean = pooled + 2 * image * positions, *maximum = mean + positions;
    std::vector<float> sums(channels);
    std::vector<double> totals(channels, 0.0);
    for (int64_t first = 0; first < positions; first += BLOCK) {
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t position = first; position < std::min(positions, first + BLOCK); ++position) {
        const int64_t row = image * positions + position;
        const float* values = x + row * channels;
        weights_backward_row(h + row * channels, values, map[row], mean[position] / channels, channels, sums.data());
        sums[argmax[row]] += maximum[position] * values[argmax[row]];
      }
      for (int64_t c = 0; c < channels; ++c) totals[c] += sums[c];
    }
    std::copy(totals.begin(), totals.end(), out + image * channels);
  }
}

// Computes the gradient of x, out. `grad_spatial_stats` (images, 2, positions) holds the gradients of the outputs of
// pool_channels, `grad_channel_stats` (2, images, channels) those of pool_positions.
void attend_backward(const float* h, const float* weights, const float* map, const float* grad_spatial_stats,
                     const int32_t* spatial_argmax, const float* grad_channel_stats, const int32_t* channel_argmax,
                     int64_t images, int64_t positions, int64_t channels, int threads, float* out) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t image = 0; image < images; ++image) {
    const float *mean = grad_spatial_stats + 2 * image * positions, *maximum = mean + positions;
    const float *w = weights + image * channels, *means = grad_channel_stats + image * channels;
    for (int64_t position = 0; position < positions; ++position) {
      const int64_t row = image * positions + position;
      const float* from = h + row * channels;
      const float scale = map[row], shift = mean[position] / channels;
      float* to = out + row * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) to[c] = w[c] * (from[c] * scale + shift) + means[c] / positions;
      to[spatial_argmax[row]] += w[spatial_argmax[row]] * maximum[position];
    }
    for (int64_t c = 0; c < channels; ++c)
      out[(image * positions + channel_argmax[image * channels + c]) * channels + c] += means[images * channels + c];
  }
}

}  // extern "C"
