// Depthwise convolution with a kernel of side 3, stride 1, padded with one zero, and the norm that follows it.
//
// Lines of an image are walked from left to right, a window of three columns in registers, a few columns at a time so
// that what all channels read there stays in the nearest cache.

#include <array>

#include "norm.h"

namespace {

constexpr int64_t COLUMNS = 8;

// The lines above, at and below a line of an image; zeros where there is none.
using Around = std::array<const float*, 3>;

struct Size {
  int64_t images, height, width, channels;
  int64_t line() const { return width * channels; }
  int64_t lines() const { return images * height; }

  // `at(line)` is where a line begins.
  template <class At>
  Around around(int64_t line, const float* zeros, At at) const {
    const int64_t row = line % height;
    return {row ? at(line - 1) : zeros, at(line), row + 1 < height ? at(line + 1) : zeros};
  }
};

// Walks from column `first` to `last` with the nine values around each: `body(column, left, middle, right)`.
template <class V, class Body>
inline void walk(const Around& lines, int64_t first, int64_t last, const Size& size, Body body) {
  const int64_t channels = size.channels, start = first * channels;
  std::array<V, 3> left{}, middle, right;
  for (int i = 0; i < 3; ++i) {
    if (first > 0) left[i] = load<V>(lines[i] + start - channels);
    middle[i] = load<V>(lines[i] + start);
  }
  for (int64_t column = first; column < last; ++column) {
    const bool inside = column + 1 < size.width;
    for (int i = 0; i < 3; ++i) right[i] = inside ? load<V>(lines[i] + (column + 1) * channels) : V{};
    body(column, left, middle, right);
    left = middle;
    middle = right;
  }
}

inline Around from(const Around& lines, int64_t channel) {
  return {lines[0] + channel, lines[1] + channel, lines[2] + channel};
}

// The convolution of columns of a line, added to what is there with ADDS; with SUMS `moments`' sums of it.
template <class V, bool ADDS, bool SUMS>
inline void convolve(const Around& lines, const float* taps, const float* bias, const float* origin, int64_t first,
                     int64_t last, const Size& size, float* y, bool past, float* sums) {
  const int64_t channels = size.channels;
  std::array<V, 9> w;
  for (int tap = 0; tap < 9; ++tap) w[tap] = load<V>(taps + tap * channels);
  const V start = load<V>(bias);
  V origins{}, sum{}, squares{};
  if constexpr (SUMS) {
    origins = load<V>(origin);
    sum = load<V>(sums);
    squares = load<V>(sums + channels);
  }
  walk<V>(lines, first, last, size, [&](int64_t column, const auto& left, const auto& middle, const auto& right) {
    V v = (start + w[0] * left[0] + w[1] * middle[0] + w[2] * right[0]) +
                (w[3] * left[1] + w[4] * middle[1] + w[5] * right[1]) +
                (w[6] * left[2] + w[7] * middle[2] + w[8] * right[2]);
    if constexpr (ADDS) v += load<V>(y + column * channels);
    store(y + column * channels, v, past);
    if constexpr (SUMS) {
      const V d = v - origins;
      sum += d;
      squares += d * d;
    }
  });
  if constexpr (SUMS) {
    store(sums, sum);
    store(sums + channels, squares);
  }
}

// Adds the gradients of the taps and of the bias over columns of a line up, given that of the result.
template <class V>
inline void correlate(const Around& lines, const float* g, int64_t first, int64_t last, const Size& size, float* sums) {
  const int64_t channels = size.channels;
  std::array<V, 10> s;
  for (int tap = 0; tap < 10; ++tap) s[tap] = load<V>(sums + tap * channels);
  walk<V>(lines, first, last, size, [&](int64_t column, const auto& left, const auto& middle, const auto& right) {
    const V h = load<V>(g + column * channels);
    for (int i = 0; i < 3; ++i) {
      s[3 * i] += h * left[i];
      s[3 * i + 1] += h * middle[i];
      s[3 * i + 2] += h * right[i];
    }
    s[9] += h;
  });
  for (int tap = 0; tap < 10; ++tap) store(sums + tap * channels, s[tap]);
}

// The taps (9, channels) of a kernel (channels, 9); turned by half, which is the kernel of the gradient of an image.
Floats taps_of(const float* kernel, int64_t channels, bool turned) {
  Floats taps(9 * channels);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t tap = 0; tap < 9; ++tap) taps[(turned ? 8 - tap : tap) * channels + c] = kernel[9 * c + tap];
  return taps;
}

// The convolution of all lines; `sums` (2, channels) of what lies off `origin`, and of its square, where asked for.
void convolve_all(const float* x, const float* taps, const float* bias, const float* origin, const Size& size,
                  int threads, float* y, double* sums) {
  const int64_t channels = size.channels, width = size.width;
  const Floats zeros(size.line(), 0.0f);
  const bool past = goes_past(y, size.lines() * width, channels);
  Doubles unwanted(2 * channels);
  sum_threads(2 * channels, threads, sums ? sums : unwanted.data(), [&](double* mine) {
    Floats parts(2 * channels);
#pragma omp for schedule(static)
    for (int64_t line = 0; line < size.lines(); ++line) {
      const Around lines = size.around(line, zeros.data(), [&](int64_t l) { return x + l * size.line(); });
      std::fill(parts.begin(), parts.end(), 0.0f);
      for (int64_t first = 0; first < width; first += COLUMNS) {
        const int64_t last = std::min(width, first + COLUMNS);
        const float* soon = x + (line + 2) * size.line();
        if (line + 2 < size.lines()) fetch(soon + first * channels, soon + last * channels);
        by_channels(channels, [&](auto kind, int64_t c) {
          using V = decltype(kind);
          float* to = y + line * size.line() + c;
          if (sums)
            convolve<V, false, true>(from(lines, c), taps + c, bias + c, origin + c, first, last, size, to, past,
                                     &parts[c]);
          else
            convolve<V, false, false>(from(lines, c), taps + c, bias + c, nullptr, first, last, size, to, past,
                                      nullptr);
        });
      }
      for (size_t i = 0; i < parts.size(); ++i) mine[i] += parts[i];
    }
    finish();
  });
}

}  // namespace

extern "C" {

// y (images, height, width, channels) of x from a kernel (channels, 9) and a bias that may be null. With a norm, whose
// weight is not null, also its map (5, channels) and `out`, the map of y.
void depthwise(const float* x, const float* kernel, const float* bias, const float* weight, const float* shift,
               const float* slope, float* running_mean, float* running_variance, double eps, double momentum,
               int64_t trains, int64_t images, int64_t height, int64_t width, int64_t channels, int threads, float* y,
               float* map, float* out) {
  const Size size{images, height, width, channels};
  const Floats taps = taps_of(kernel, channels, false), zeros(size.line(), 0.0f);
  const float* start = bias ? bias : zeros.data();
  const Norm norm{weight, shift, slope, running_mean, running_variance, eps, momentum};
  if (!weight || !trains) {
    convolve_all(x, taps.data(), start, nullptr, size, threads, y, nullptr);
    if (weight) norm.by_running(channels, map);
  } else {
    // What the first image's second place comes to stands for the mean: near it the variance's digits are kept.
    Floats origin(channels);
    const Around lines{x, x + size.line() * (height > 1), x + size.line() * (height > 2)};
    Floats line(size.line());
    by_channels(channels, [&](auto kind, int64_t c) {
      using V = decltype(kind);
      convolve<V, false, false>(from(lines, c), &taps[c], start + c, nullptr, 0, std::min<int64_t>(width, 2), size,
                                &line[c], false, nullptr);
    });
    std::copy_n(line.data() + (width > 1) * channels, channels, origin.data());
    Doubles sums(2 * channels);
    convolve_all(x, taps.data(), start, origin.data(), size, threads, y, sums.data());
    norm.by_batch(sums.data(), origin.data(), size.lines() * width, channels, map);
  }
  if (weight) map_all(y, Map(map, channels), size.lines() * width, channels, threads, out);
}

// Given g, the gradient of `out`, or of y if there is no norm (`normed`): that of x, added to what `gx` holds with
// `adds`; of the kernel (channels, 9) and the bias; of the norm's weight, bias and slope (3, channels).
void depthwise_back(const float* g, const float* y, const float* x, const float* kernel, const float* map,
                    int64_t normed, int64_t adds, int64_t images, int64_t height, int64_t width, int64_t channels,
                    int threads, float* gx, float* kernel_gradient, float* bias_gradient, float* gradients) {
  const Size size{images, height, width, channels};
  const Floats turned = taps_of(kernel, channels, true), zeros(size.line(), 0.0f);
  const bool past = goes_past(gx, size.lines() * width, channels);
  const Map how(map, channels);
  Floats back(2 * channels);
  if (normed) {
    Doubles sums(3 * channels);
    norm_act_sums(g, y, how, size.lines() * width, channels, threads, sums.data());
    norm_back(sums.data(), how, size.lines() * width, channels, back.data(), gradients);
  }
  Doubles totals(10 * channels);
  sum_threads(10 * channels, threads, totals.data(), [&](double* mine) {
    Floats sums(10 * channels), ring(3 * size.line());
    std::array<int64_t, 3> held{-1, -1, -1};
    // The gradient of a line of y, of which three at a time are kept.
    const auto before = [&](int64_t line) -> const float* {
      const float* given = g + line * size.line();
      if (!normed) return given;
      float* there = ring.data() + line % 3 * size.line();
      if (held[line % 3] == line) return there;
      held[line % 3] = line;
      for (int64_t at = 0; at < size.line(); at += channels) {
        const float* inputs = x + line * size.line() + at;
        fetch(inputs, inputs + channels);
        norm_act_back_row(given + at, y + line * size.line() + at, how, back.data(), channels, there + at);
      }
      return there;
    };
#pragma omp for schedule(static)
    for (int64_t line = 0; line < size.lines(); ++line) {
      const Around inputs = size.around(line, zeros.data(), [&](int64_t l) { return x + l * size.line(); });
      const Around gradients_ = size.around(line, zeros.data(), before);
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t first = 0; first < width; first += COLUMNS) {
        const int64_t last = std::min(width, first + COLUMNS);
        by_channels(channels, [&](auto kind, int64_t c) {
          using V = decltype(kind);
          float* to = gx + line * size.line() + c;
          if (adds)
            convolve<V, true, false>(from(gradients_, c), &turned[c], zeros.data(), nullptr, first, last, size, to,
                                     false, nullptr);
          else
            convolve<V, false, false>(from(gradients_, c), &turned[c], zeros.data(), nullptr, first, last, size, to,
                                      past, nullptr);
          correlate<V>(from(inputs, c), gradients_[1] + c, first, last, size, &sums[c]);
        });
      }
      for (size_t i = 0; i < sums.size(); ++i) mine[i] += sums[i];
    }
    finish();
  });
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t tap = 0; tap < 9; ++tap) kernel_gradient[9 * c + tap] = static_cast<float>(totals[tap * channels + c]);
    bias_gradient[c] = static_cast<float>(totals[9 * channels + c]);
  }
}

}  // extern "C"
