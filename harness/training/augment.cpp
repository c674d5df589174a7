// The changes of datasets/augment.py to one image after another, which so stays in the nearest cache: resampled,
// recoloured, clamped, normalised, and laid out as the network's weights lie.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

// A coordinate in pixels, mirrored at the edges -0.5 and side - 0.5 and held within the outermost pixels' centres.
inline float inside(float at, float side) {
  const float off = std::fabs(at + 0.5f), turns = std::floor(off / side), rest = off - turns * side;
  const float odd = turns - 2.0f * std::floor(0.5f * turns);
  return std::min(std::max((odd > 0.5f ? side - rest : rest) - 0.5f, 0.0f), side - 1.0f);
}

// What is drawn for one image, from nine numbers in [0, 1): see datasets/augment.py, from whose `coordinates` and
// `colours` the formulas are.
struct Change {
  float places[6];  // from a place of the output to the one it is taken from, both in [-1, 1]
  float linear[9];  // from a colour to its new one
  float lift;       // how often the mean grey is added

  Change(const float* drawn, const float* reach, int64_t height, int64_t width) {
    float off[9];
    for (int i = 1; i < 9; ++i) off[i] = reach[i] * (2.0f * drawn[i] - 1.0f);
    const float mirror = drawn[0] < reach[0] ? -1.0f : 1.0f, tall = static_cast<float>(height) / width;
    const float cosine = std::cos(off[1]) / (1.0f + off[2]), sine = std::sin(off[1]) / (1.0f + off[2]);
    const float right = 2.0f * off[3], down = 2.0f * off[4];
    const float xx = mirror * cosine, xy = mirror * sine * tall, yx = -sine / tall, yy = cosine;
    const float rows[] = {xx, xy, -(xx * right + xy * down), yx, yy, -(yx * right + yy * down)};
    std::copy(rows, rows + 6, places);
    const float brightness = 1.0f + off[5], contrast = 1.0f + off[6], saturation = 1.0f + off[7];
    const float with = saturation * std::cos(off[8]), across = saturation * std::sin(off[8]) / std::sqrt(3.0f);
    for (int to = 0; to < 3; ++to)
      for (int from = 0; from < 3; ++from) {
        const float turn = from == to ? 0.0f : (from == (to + 1) % 3 ? -across : across);
        linear[3 * to + from] = brightness * contrast * ((1.0f - with) / 3.0f + (from == to ? with : 0.0f) + turn);
      }
    lift = brightness * (1.0f - contrast);
  }
};

// Where a line of the output is taken from: the pixel at the upper left, how far the others lie, and their shares.
struct Line {
  std::vector<int32_t> from, right, down;
  std::vector<float> along, below;

  explicit Line(int64_t width) : from(width), right(width), down(width), along(width), below(width) {}

  void aim(const float* map, int64_t row, int64_t height, int64_t width) {
    int32_t *f = from.data(), *r = right.data(), *d = down.data();
    float *a = along.data(), *b = below.data();
    const float sides[] = {static_cast<float>(width), static_cast<float>(height)};
    const float y = (2 * row + 1) / sides[1] - 1.0f;
#pragma omp simd
    for (int32_t column = 0; column < static_cast<int32_t>(width); ++column) {
      const float x = (2 * column + 1) / sides[0] - 1.0f;
      const float u = map[2] + map[0] * x + map[1] * y, v = map[5] + map[3] * x + map[4] * y;
      const float across = inside(0.5f * ((u + 1.0f) * sides[0] - 1.0f), sides[0]);
      const float under = inside(0.5f * ((v + 1.0f) * sides[1] - 1.0f), sides[1]);
      const float left = std::floor(across), top = std::floor(under);
      f[column] = static_cast<int32_t>(top) * static_cast<int32_t>(width) + static_cast<int32_t>(left);
      r[column] = left + 1.0f < sides[0] ? 1 : 0;
      d[column] = top + 1.0f < sides[1] ? static_cast<int32_t>(width) : 0;
      a[column] = across - left;
      b[column] = under - top;
    }
  }

  // Writes a line of one plane; gives its sum.
  float take(const float* __restrict plane, int64_t width, float* __restrict out) const {
    const int32_t *f = from.data(), *r = right.data(), *d = down.data();
    const float *a = along.data(), *b = below.data();
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int32_t i = 0; i < static_cast<int32_t>(width); ++i) {
      const int32_t upper = f[i], lower = upper + d[i];
      const float top = plane[upper] + a[i] * (plane[upper + r[i]] - plane[upper]);
      const float bottom = plane[lower] + a[i] * (plane[lower + r[i]] - plane[lower]);
      out[i] = top + b[i] * (bottom - top);
      sum += out[i];
    }
    return sum;
  }
};

}  // namespace

extern "C" {

// out (count, 3, height, width), with its channels last where `last`, of uint8 images, changed by `drawn` (count, 9)
// numbers within `reach` (9); then `mean` (3) is taken away and the rest divided by `deviation` (3).
void augment(const uint8_t* images, const float* drawn, const float* reach, const float* mean, const float* deviation,
             int64_t count, int64_t height, int64_t width, int64_t last, int threads, float* out) {
  const int64_t size = height * width, between = last ? 3 : 1, apart = last ? 1 : size;
#pragma omp parallel num_threads(threads)
  {
    Line line(width);
    std::vector<float> given(3 * size), moved(3 * size);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < count; ++image) {
      const Change change(drawn + 9 * image, reach, height, width);
      const uint8_t* bytes = images + 3 * image * size;
#pragma omp simd
      for (int64_t i = 0; i < 3 * size; ++i) given[i] = bytes[i] * (1.0f / 255.0f);
      double sum = 0.0;
      for (int64_t row = 0; row < height; ++row) {
        line.aim(change.places, row, height, width);
        for (int64_t plane = 0; plane < 3; ++plane)
          sum += line.take(given.data() + plane * size, width, moved.data() + plane * size + row * width);
      }
      const float added = change.lift * static_cast<float>(sum / (3 * size));
      const float *red = moved.data(), *green = red + size, *blue = green + size;
      for (int64_t plane = 0; plane < 3; ++plane) {
        const float* w = change.linear + 3 * plane;
        const float r = w[0], g = w[1], b = w[2], middle = mean[plane], spread = deviation[plane];
        float* to = out + 3 * image * size + plane * apart;
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
          const float colour = added + r * red[i] + g * green[i] + b * blue[i];
          to[i * between] = (std::min(std::max(colour, 0.0f), 1.0f) - middle) / spread;
        }
      }
    }
  }
}

}  // extern "C"
