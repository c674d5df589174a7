#pragma once

#include "passes.h"

// Activations: `value` of x, and the gradient before it given the one behind it, g.

struct Leaky {
  static float value(float x, float slope) { return activated(x, slope); }
  static float before(float g, float x, float slope) { return before_activated(g, x, slope); }
};

struct Silu {
  static float value(float x, float) { return x * sigmoid(x); }
  static float before(float g, float x, float) {
    const float s = sigmoid(x);
    return g * s * (1 + x * (1 - s));
  }
};

struct Hardswish {
  static float value(float x, float) { return x * (x < -3 ? 0.0f : x > 3 ? 1.0f : x / 6 + 0.5f); }
  static float before(float g, float x, float) { return g * (x < -3 ? 0.0f : x > 3 ? 1.0f : x / 3 + 0.5f); }
};

// Calls `body(activation)` with that of its number, as `norm.py` numbers them.
template <class Body>
void by_activation(int64_t number, Body body) {
  if (number == 1) return body(Silu{});
  if (number == 2) return body(Hardswish{});
  body(Leaky{});
}

// What a norm with its activation comes to, per channel: act(x * scale + shift), x normed by `mean` and `inverse`, one
// over the deviation. In memory (5, channels).
struct Map {
  const float *scale, *shift, *slope, *mean, *inverse;

  Map(const float* rows, int64_t channels)
      : scale(rows),
        shift(rows + channels),
        slope(rows + 2 * channels),
        mean(rows + 3 * channels),
        inverse(rows + 4 * channels) {}
};

// A batch norm's parameters and its running statistics, and the slope of the activation.
struct Norm {
  const float *weight, *bias, *slope;
  float *mean, *variance;
  double eps, momentum;

  // The map by the running statistics, into (5, channels).
  void by_running(int64_t channels, float* map) const {
    for (int64_t c = 0; c < channels; ++c) fill(c, channels, mean[c], variance[c], map);
  }

  // The map by the sums (2, channels) of x - origin and of its square over `places`, taken into the running ones.
  void by_batch(const double* sums, const float* origin, int64_t places, int64_t channels, float* map) const {
    for (int64_t c = 0; c < channels; ++c) {
      const double off = sums[c] / places, spread = std::max(0.0, sums[channels + c] / places - off * off);
      const float middle = static_cast<float>(origin[c] + off);
      fill(c, channels, middle, spread, map);
      mean[c] += static_cast<float>(momentum * (middle - mean[c]));
      variance[c] += static_cast<float>(momentum * (spread * places / (places - 1) - variance[c]));
    }
  }

 private:
  void fill(int64_t c, int64_t channels, float middle, double spread, float* map) const {
    const double inverse = 1.0 / std::sqrt(spread + eps);
    map[c] = static_cast<float>(weight[c] * inverse);
    map[channels + c] = static_cast<float>(bias[c] - middle * weight[c] * inverse);
    map[2 * channels + c] = slope[c];
    map[3 * channels + c] = middle;
    map[4 * channels + c] = static_cast<float>(inverse);
  }
};

// From norm_act_sums (3, channels) over `places`: what the way back takes beside the map, along and constant
// (2, channels), and the gradients of weight, bias and slope (3, channels).
inline void norm_back(const double* sums, const Map& map, int64_t places, int64_t channels, float* back,
                      float* gradients) {
  for (int64_t c = 0; c < channels; ++c) {
    const double total = sums[c], product = sums[channels + c] * map.inverse[c];
    const double along = -map.scale[c] * map.inverse[c] * product / places;
    back[c] = static_cast<float>(along);
    back[channels + c] = static_cast<float>(-map.scale[c] * total / places - along * map.mean[c]);
    gradients[c] = static_cast<float>(product);
    gradients[channels + c] = static_cast<float>(total);
    gradients[2 * channels + c] = static_cast<float>(sums[2 * channels + c]);
  }
}

// Functions of their own, as compilers give up on a loop whose pointers a lambda holds.

// One place of norm_act_sums.
template <class Act = Leaky>
inline void norm_act_sums_row(const float* __restrict g, const float* __restrict x, const Map& map, int64_t channels,
                              float* __restrict sums) {
  const float *scale = map.scale, *shift = map.shift, *slope = map.slope, *mean = map.mean;
  float *products = sums + channels, *slopes = sums + 2 * channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float a = x[c] * scale[c] + shift[c], h = Act::before(g[c], a, slope[c]);
    sums[c] += h;
    products[c] += h * (x[c] - mean[c]);
    slopes[c] += g[c] * below(a);
  }
}

// One place of the gradient of x: scale * h + x * along + constant. `out` may be `g`.
template <class Act = Leaky>
inline void norm_act_back_row(const float* g, const float* __restrict x, const Map& map, const float* __restrict back,
                              int64_t channels, float* out) {
  const float *scale = map.scale, *shift = map.shift, *slope = map.slope, *constant = back + channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float h = Act::before(g[c], x[c] * scale[c] + shift[c], slope[c]);
    out[c] = scale[c] * h + x[c] * back[c] + constant[c];
  }
}

// Per channel, of the gradient h before the activation: sum h, sum h * (x - mean), sum of the slope's gradient:
// out (3, channels).
template <class Act = Leaky>
inline void norm_act_sums(const float* g, const float* x, const Map& map, int64_t rows, int64_t channels, int threads,
                          double* out) {
  sum_blocks(1, rows, channels, 3, threads, out, [=](int64_t, int64_t first, int64_t last, float* sums) {
    for (int64_t row = first; row < last; ++row)
      norm_act_sums_row<Act>(g + row * channels, x + row * channels, map, channels, sums);
  });
}

// y = act(x * scale + shift).
template <class Act = Leaky>
inline void map_all(const float* x, const Map& map, int64_t rows, int64_t channels, int threads, float* y) {
  const float *scale = map.scale, *shift = map.shift, *slope = map.slope;
#pragma omp parallel num_threads(threads)
  {
    Lines lines(y, rows, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = x + row * channels;
      float* to = lines.of(y + row * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) to[c] = Act::value(from[c] * scale[c] + shift[c], slope[c]);
      lines.written(y + row * channels);
    }
  }
}
