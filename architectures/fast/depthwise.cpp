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

}  // namespace

extern "C" {

// y (images, height, width, channels) of x from taps (9, channels) and bias; `moments`' sums of y, out (2, channels),
// where `out` is not null.
void depthwise(const float* x, const float* taps, const float* bias, const float* origin, int64_t images,
               int64_t height, int64_t width, int64_t channels, int threads, float* y, double* out) {
  const Size size{images, height, width, channels};
  const Floats zeros(size.line(), 0.0f);
  const bool past = goes_past(y, size.lines() * width, channels);
  Doubles unwanted(2 * channels);
  sum_threads(2 * channels, threads, out ? out : unwanted.data(), [&](double* mine) {
    Floats sums(2 * channels);
#pragma omp for schedule(static)
    for (int64_t line = 0; line < size.lines(); ++line) {
      const Around lines = size.around(line, zeros.data(), [&](int64_t l) { return x + l * size.line(); });
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t first = 0; first < width; first += COLUMNS) {
        const int64_t last = std::min(width, first + COLUMNS);
        const float* soon = x + (line + 2) * size.line();
        if (line + 2 < size.lines()) fetch(soon + first * channels, soon + last * channels);
        by_channels(channels, [&](auto kind, int64_t c) {
          using V = decltype(kind);
          float* to = y + line * size.line() + c;
          if (out)
            convolve<V, false, true>(from(lines, c), taps + c, bias + c, origin + c, first, last, size, to, past, &sums[c]);
          else
            convolve<V, false, false>(from(lines, c), taps + c, bias + c, nullptr, first, last, size, to, past, nullptr);
        });
      }
      for (size_t i = 0; i < sums.size(); ++i) mine[i] += sums[i];
    }
    finish();
  });
}

// The gradients of x, and of the taps and the bias, out (10, channels), given g, the gradient of norm_act of y =
// depthwise(x), as norm_act_back takes it. `turned` are the taps from last to first: the gradient of the image is the
// same convolution with the kernel turned by half. With `adds` it is added to what `gx` holds.
void depthwise_back(const float* g, const float* y, const float* x, const float* turned, const float* scale,
                    const float* shift, const float* slope, const float* along, const float* constant, int64_t images,
                    int64_t height, int64_t width, int64_t channels, int threads, int64_t adds, float* gx,
                    double* out) {
  const Size size{images, height, width, channels};
  const Floats zeros(size.line(), 0.0f);
  const bool past = goes_past(gx, size.lines() * width, channels);
  sum_threads(10 * channels, threads, out, [&](double* mine) {
    Floats sums(10 * channels), ring(3 * size.line());
    std::array<int64_t, 3> held{-1, -1, -1};
    // The gradient of a line of y, of which three at a time are kept.
    const auto before = [&](int64_t line) -> const float* {
      float* there = ring.data() + line % 3 * size.line();
      if (held[line % 3] == line) return there;
      held[line % 3] = line;
      for (int64_t i = line * size.line(), at = 0; at < size.line(); i += channels, at += channels) {
        fetch(x + i, x + i + channels);
        norm_act_back_row(g + i, y + i, scale, shift, slope, along, constant, channels, there + at);
      }
      return there;
    };
#pragma omp for schedule(static)
    for (int64_t line = 0; line < size.lines(); ++line) {
      const Around inputs = size.around(line, zeros.data(), [&](int64_t l) { return x + l * size.line(); });
      const Around gradients = size.around(line, zeros.data(), before);
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t first = 0; first < width; first += COLUMNS) {
        const int64_t last = std::min(width, first + COLUMNS);
        by_channels(channels, [&](auto kind, int64_t c) {
          using V = decltype(kind);
          float* to = gx + line * size.line() + c;
          if (adds)
            convolve<V, true, false>(from(gradients, c), turned + c, zeros.data(), nullptr, first, last, size, to,
                                     false, nullptr);
          else
            convolve<V, false, false>(from(gradients, c), turned + c, zeros.data(), nullptr, first, last, size, to,
                                      past, nullptr);
          correlate<V>(from(inputs, c), gradients[1] + c, first, last, size, &sums[c]);
        });
      }
      for (size_t i = 0; i < sums.size(); ++i) mine[i] += sums[i];
    }
    finish();
  });
}

}  // extern "C"
