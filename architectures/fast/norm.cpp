// Batch norm and the activation after it.

#include "norm.h"

extern "C" {

// The map (5, channels) of a norm and its activation, of x (rows, channels) if it trains.
void norm_map(const float* x, const float* weight, const float* bias, const float* slope, float* running_mean,
              float* running_variance, double eps, double momentum, int64_t trains, int64_t rows, int64_t channels,
              int threads, float* map) {
  const Norm norm{weight, bias, slope, running_mean, running_variance, eps, momentum};
  if (!trains) return norm.by_running(channels, map);
  Doubles moments(2 * channels);
  // The first place stands for the mean: near it the digits of the variance are kept.
  sum_blocks(1, rows, channels, 2, threads, moments.data(), [=](int64_t, int64_t first, int64_t last, float* sums) {
    float* squares = sums + channels;
    for (int64_t row = first; row < last; ++row) {
      const float* values = x + row * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float d = values[c] - x[c];
        sums[c] += d;
        squares[c] += d * d;
      }
    }
  });
  norm.by_batch(moments.data(), x, rows, channels, map);
}

void norm_act(const float* x, const float* map, int64_t activation, int64_t rows, int64_t channels, int threads,
              float* y) {
  by_activation(activation, [&](auto act) {
    map_all<decltype(act)>(x, Map(map, channels), rows, channels, threads, y);
  });
}

// The gradient of x, which may be g, and those of weight, bias and slope (3, channels).
void norm_act_back(const float* g, const float* x, const float* map, int64_t activation, int64_t rows,
                   int64_t channels, int threads, float* gx, float* gradients) {
  const Map how(map, channels);
  Doubles sums(3 * channels);
  Floats back(2 * channels);
  by_activation(activation, [&](auto act) {
    using Act = decltype(act);
    norm_act_sums<Act>(g, x, how, rows, channels, threads, sums.data());
    norm_back(sums.data(), how, rows, channels, back.data(), gradients);
#pragma omp parallel num_threads(threads)
    {
      Lines lines(gx, gx == g ? 0 : rows, channels);
#pragma omp for schedule(static)
      for (int64_t row = 0; row < rows; ++row) {
        norm_act_back_row<Act>(g + row * channels, x + row * channels, how, back.data(), channels,
                               lines.of(gx + row * channels));
        lines.written(gx + row * channels);
      }
    }
  });
}

}  // extern "C"
