// The spatial attention's convolution: from two planes, mean and largest value, to one, with a kernel of side 7, padded
// with three zeros. Sixteen columns at a time, from planes that are copied with their padding.

#include "passes.h"

namespace {

constexpr int64_t SIDE = 7, PAD = 3, TAPS = SIDE * SIDE;

// A plane with its padding, and on the right as much more as sixteen columns at a time may read.
struct Padded {
  int64_t height, width, stride;
  Floats values;

  Padded(int64_t height, int64_t width)
      : height(height), width(width), stride((width + 15) / 16 * 16 + 2 * PAD), values((height + 2 * PAD) * stride) {}

  void copy(const float* plane) {
    for (int64_t row = 0; row < height; ++row)
      std::copy(plane + row * width, plane + (row + 1) * width, values.data() + (row + PAD) * stride + PAD);
  }

  // Where the kernel's first column lies over `row` - 3 + `down` and `column`.
  const float* at(int64_t row, int64_t down, int64_t column) const {
    return values.data() + (row + down) * stride + column;
  }
};

// Adds the convolution of a plane up into `line`, the line `row` of what comes out.
inline void convolve(const Padded& plane, const float* taps, int64_t row, float* line) {
  for (int64_t column = 0; column < plane.width; column += 16) {
    Sixteen sums[SIDE];
    for (int64_t down = 0; down < SIDE; ++down) {
      const float* from = plane.at(row, down, column);
      sums[down] = taps[down * SIDE] * load<Sixteen>(from);
      for (int64_t along = 1; along < SIDE; ++along)
        sums[down] += taps[down * SIDE + along] * load<Sixteen>(from + along);
    }
    const Sixteen sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + sums[6]);
    store(line + column, load<Sixteen>(line + column) + sum);
  }
}

}  // namespace

extern "C" {

// out (images, height, width) of x (images, 2, height, width) and taps (2, 7, 7).
void spatial(const float* x, const float* taps, int64_t images, int64_t height, int64_t width, int threads,
             float* out) {
  const int64_t places = height * width;
#pragma omp parallel num_threads(threads)
  {
    Padded planes[2] = {{height, width}, {height, width}};
    Floats line(planes[0].stride);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      for (int plane = 0; plane < 2; ++plane) planes[plane].copy(x + (2 * image + plane) * places);
      for (int64_t row = 0; row < height; ++row) {
        std::fill(line.begin(), line.end(), 0.0f);
        for (int plane = 0; plane < 2; ++plane) convolve(planes[plane], taps + plane * TAPS, row, line.data());
        std::copy(line.data(), line.data() + width, out + image * places + row * width);
      }
    }
  }
}

// The gradients of x, gx, and of the taps, out (images, 2, 7, 7), given g (images, height, width), that of the result.
// `turned` are the taps of each plane from last to first.
void spatial_back(const float* g, const float* x, const float* turned, int64_t images, int64_t height, int64_t width,
                  int threads, float* gx, float* out) {
  const int64_t places = height * width;
#pragma omp parallel num_threads(threads)
  {
    Padded gradient(height, width), values(height, width);
    Floats line(gradient.stride);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      gradient.copy(g + image * places);
      for (int plane = 0; plane < 2; ++plane) {
        const int64_t place = 2 * image + plane;
        values.copy(x + place * places);
        Sixteen sums[TAPS] = {};
        for (int64_t row = 0; row < height; ++row) {
          std::fill(line.begin(), line.end(), 0.0f);
          convolve(gradient, turned + plane * TAPS, row, line.data());
          std::copy(line.data(), line.data() + width, gx + place * places + row * width);
          for (int64_t down = 0; down < SIDE; ++down) {
            Sixteen* mine = sums + down * SIDE;
            for (int64_t column = 0; column < width; column += 16) {
              const Sixteen h = load<Sixteen>(gradient.at(row, PAD, column) + PAD);
              const float* from = values.at(row, down, column);
              for (int64_t along = 0; along < SIDE; ++along) mine[along] += h * load<Sixteen>(from + along);
            }
          }
        }
        for (int64_t tap = 0; tap < TAPS; ++tap) {
          float sum = 0.0f;
          for (int64_t i = 0; i < 16; ++i) sum += sums[tap][i];
          out[place * TAPS + tap] = sum;
        }
      }
    }
  }
}

}  // extern "C"
