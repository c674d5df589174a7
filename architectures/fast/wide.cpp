// The gradient of a depthwise kernel of side 5, padded by 2: oneDNN takes several times as long for it as for all else
// of such a convolution.

#include <array>

#include "passes.h"

namespace {

constexpr int64_t COLUMNS = 8;  // of a line at a time, so that what all channels read stays in the nearest cache
constexpr int SIDE = 5, TAPS = SIDE * SIDE, PAD = SIDE / 2;

// Calls `body(tap, place)` for each of a line's `places` that the result `at` is made of.
template <class Body>
inline void read(int64_t at, int64_t places, int64_t stride, Body body) {
  const int64_t start = at * stride - PAD;
  if (start >= 0 && start + SIDE <= places) {
    for (int tap = 0; tap < SIDE; ++tap) body(tap, start + tap);
  } else {
    for (int64_t tap = std::max<int64_t>(0, -start); tap < std::min<int64_t>(SIDE, places - start); ++tap)
      body(tap, start + tap);
  }
}

}  // namespace

extern "C" {

// That of the kernel (channels, 25), given x (images, height, width, channels) and g, the gradient of what it gives.
void wide_back(const float* g, const float* x, int64_t images, int64_t height, int64_t width, int64_t channels,
               int64_t stride, int threads, float* out) {
  const int64_t lines = (height - 1) / stride + 1, columns = (width - 1) / stride + 1;
  const int64_t together = std::max<int64_t>(1, BLOCK / columns);
  Doubles totals(TAPS * channels);
  sum_threads(TAPS * channels, threads, totals.data(), [&](double* mine) {
    Floats sums(TAPS * channels);
    // What a few columns of a line give a few channels' taps.
    const auto add = [&](auto kind, int64_t line, int64_t first, int64_t last, int64_t c) {
      using V = decltype(kind);
      const float *given = g + line * columns * channels + c, *image = x + line / lines * height * width * channels + c;
      read(line % lines, height, stride, [&](int64_t row, int64_t from) {
        float* to = &sums[row * SIDE * channels + c];
        std::array<V, SIDE> taps;
        for (int tap = 0; tap < SIDE; ++tap) taps[tap] = load<V>(to + tap * channels);
        for (int64_t column = first; column < last; ++column) {
          const V h = load<V>(given + column * channels);
          read(column, width, stride, [&](int64_t tap, int64_t at) {
            taps[tap] += h * load<V>(image + (from * width + at) * channels);
          });
        }
        for (int tap = 0; tap < SIDE; ++tap) store(to + tap * channels, taps[tap]);
      });
    };
#pragma omp for schedule(static)
    for (int64_t begin = 0; begin < images * lines; begin += together) {
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t line = begin; line < std::min(images * lines, begin + together); ++line)
        for (int64_t first = 0; first < columns; first += COLUMNS)
          by_channels(channels, [&](auto kind, int64_t c) {
            add(kind, line, first, std::min(columns, first + COLUMNS), c);
          });
      for (size_t i = 0; i < sums.size(); ++i) mine[i] += sums[i];
    }
  });
  for (int64_t c = 0; c < channels; ++c)
    for (int tap = 0; tap < TAPS; ++tap) out[TAPS * c + tap] = static_cast<float>(totals[tap * channels + c]);
}

}  // extern "C"
