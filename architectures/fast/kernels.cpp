// What a block does around its convolutions, in as few passes over memory as it can be done in.
//
// Images lie with their channels last: `rows` places of `channels` floats, or `images` times `places`. Sums over many
// places are taken in float over BLOCK of them and in double beyond, in an order that the number of threads fixes, so
// that one machine gives the same bits every time. Each formula's slow twin is PyTorch's own operator; the tests hold
// them beside one another.

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <omp.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

namespace {

constexpr int64_t BLOCK = 128;

using Floats = std::vector<float>;

// Where one thread's lines of results go: into memory past the caches where they are too many to be found there again,
// which saves reading what is about to be overwritten.
class Lines {
 public:
  Lines(int64_t rows, int64_t channels)
      : channels_(channels), streams_(STREAMED && channels % 8 == 0 && rows * channels > MANY), line_(channels) {}

  // A place to write the line of `to` into; `written` brings it there.
  float* of(float* to) { return streams(to) ? line_.data() : to; }

  void written(float* to) {
#ifdef __AVX__
    if (!streams(to)) return;
    for (int64_t c = 0; c < channels_; c += 8) _mm256_stream_ps(to + c, _mm256_loadu_ps(line_.data() + c));
#endif
  }

  ~Lines() {
#ifdef __AVX__
    if (streams_) _mm_sfence();
#endif
  }

 private:
#ifdef __AVX__
  static constexpr bool STREAMED = true;
#else
  static constexpr bool STREAMED = false;
#endif
  static constexpr int64_t MANY = 1 << 22;  // floats: 16 MiB

  bool streams(const float* to) const { return streams_ && reinterpret_cast<uintptr_t>(to) % 32 == 0; }

  const int64_t channels_;
  const bool streams_;
  Floats line_;
};

// Adds `body(first, last, accumulators)`, `sums` rows of `channels` floats for each BLOCK of rows, up into `out`.
template <class Body>
void sum_blocks(int64_t rows, int64_t channels, int64_t sums, int threads, double* out, Body body) {
  const int64_t width = sums * channels;
  std::vector<double> partial(threads * width, 0.0);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    double* mine = partial.data() + thread * width;
    Floats accumulators(width);
#pragma omp for schedule(static)
    for (int64_t block = 0; block < (rows + BLOCK - 1) / BLOCK; ++block) {
      std::fill(accumulators.begin(), accumulators.end(), 0.0f);
      body(block * BLOCK, std::min(rows, (block + 1) * BLOCK), accumulators.data());
      for (int64_t i = 0; i < width; ++i) mine[i] += accumulators[i];
    }
  }
  std::fill(out, out + width, 0.0);
  for (int thread = 0; thread < threads; ++thread)
    for (int64_t i = 0; i < width; ++i) out[i] += partial[thread * width + i];
}

// One place of norm_act_sums. A function of its own, as compilers give up on a loop whose pointers a lambda holds.
inline void norm_act_row(const float* __restrict g, const float* __restrict x, const float* __restrict scale,
                         const float* __restrict shift, const float* __restrict slope, const float* __restrict mean,
                         int64_t channels, float* __restrict sums) {
  float *products = sums + channels, *slopes = sums + 2 * channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float a = x[c] * scale[c] + shift[c], h = g[c] * (a > 0.0f ? 1.0f : slope[c]);
    sums[c] += h;
    products[c] += h * (x[c] - mean[c]);
    slopes[c] += g[c] * (a < 0.0f ? a : 0.0f);
  }
}

// One place of attend_back_map: gives the map's gradient there.
inline float attend_row(const float* __restrict g, const float* __restrict x, const float* __restrict weights, float map,
                        const float* __restrict shortcut, const float* __restrict slope, int64_t channels,
                        float* __restrict h, float* __restrict slopes) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < channels; ++c) {
    const float t = x[c] * weights[c], a = t * map + shortcut[c], before = g[c] * (a > 0.0f ? 1.0f : slope[c]);
    slopes[c] += g[c] * (a < 0.0f ? a : 0.0f);
    h[c] = before;
    sum += before * t;
  }
  return sum;
}

// The nine places around a place of an image, row by row; `zeros` stands where there is no image.
inline std::array<const float*, 9> neighbours(const float* x, int64_t line, int64_t column, int64_t height,
                                              int64_t width, int64_t channels, const float* zeros) {
  std::array<const float*, 9> found;
  for (int64_t tap = 0; tap < 9; ++tap) {
    const int64_t down = tap / 3 - 1, row = line % height + down, at = column + tap % 3 - 1;
    const bool inside = row >= 0 && row < height && at >= 0 && at < width;
    found[tap] = inside ? x + ((line + down) * width + at) * channels : zeros;
  }
  return found;
}

}  // namespace

extern "C" {

// Per channel the sum and the sum of squares of x - origin: out (2, channels). `origin` (channels) near the mean keeps
// the digits of the variance.
void moments(const float* x, const float* origin, int64_t rows, int64_t channels, int threads, double* out) {
  sum_blocks(rows, channels, 2, threads, out, [=](int64_t first, int64_t last, float* sums) {
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

// y = act(x * scale + shift), act(a) = a above 0 and slope * a elsewhere.
void norm_act(const float* x, const float* scale, const float* shift, const float* slope, int64_t rows,
              int64_t channels, int threads, float* y) {
#pragma omp parallel num_threads(threads)
  {
    Lines lines(rows, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = x + row * channels;
      float* to = lines.of(y + row * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float a = from[c] * scale[c] + shift[c];
        to[c] = a > 0.0f ? a : slope[c] * a;
      }
      lines.written(y + row * channels);
    }
  }
}

// Per channel, of the gradient h before the activation: sum h, sum h * (x - mean), sum of the slope's gradient:
// out (3, channels).
void norm_act_sums(const float* g, const float* x, const float* scale, const float* shift, const float* slope,
                   const float* mean, int64_t rows, int64_t channels, int threads, double* out) {
  sum_blocks(rows, channels, 3, threads, out, [=](int64_t first, int64_t last, float* sums) {
    for (int64_t row = first; row < last; ++row)
      norm_act_row(g + row * channels, x + row * channels, scale, shift, slope, mean, channels, sums);
  });
}

// The gradient of x: scale * h + x * along + constant, per channel. `out` may be `g`.
void norm_act_back(const float* g, const float* x, const float* scale, const float* shift, const float* slope,
                   const float* along, const float* constant, int64_t rows, int64_t channels, int threads, float* out) {
#pragma omp parallel num_threads(threads)
  {
    Lines lines(out == g ? 0 : rows, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      const float *gs = g + row * channels, *xs = x + row * channels;
      float* to = lines.of(out + row * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float a = xs[c] * scale[c] + shift[c];
        const float h = gs[c] * (a > 0.0f ? 1.0f : slope[c]);
        to[c] = scale[c] * h + xs[c] * along[c] + constant[c];
      }
      lines.written(out + row * channels);
    }
  }
}

// Depthwise convolution with a kernel of side 3, stride 1, padded with one zero: y (images, height, width, channels)
// from taps (9, channels). `bias` may be null.
void depthwise(const float* x, const float* taps, const float* bias, int64_t images, int64_t height, int64_t width,
               int64_t channels, int threads, float* y) {
#pragma omp parallel num_threads(threads)
  {
    const Floats zeros(channels, 0.0f);
    const float* start = bias ? bias : zeros.data();
    Lines lines(images * height * width, channels);
#pragma omp for schedule(static)
    for (int64_t line = 0; line < images * height; ++line) {
      for (int64_t column = 0; column < width; ++column) {
        const auto [x0, x1, x2, x3, x4, x5, x6, x7, x8] =
            neighbours(x, line, column, height, width, channels, zeros.data());
        float* const there = y + (line * width + column) * channels;
        float* to = lines.of(there);
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) {
          const float* w = taps + c;
          to[c] = start[c] + w[0] * x0[c] + w[channels] * x1[c] + w[2 * channels] * x2[c] + w[3 * channels] * x3[c] +
                  w[4 * channels] * x4[c] + w[5 * channels] * x5[c] + w[6 * channels] * x6[c] +
                  w[7 * channels] * x7[c] + w[8 * channels] * x8[c];
        }
        lines.written(there);
      }
    }
  }
}

// The gradients of the taps and the bias: out (10, channels), the last row the bias's.
void depthwise_weights(const float* g, const float* x, int64_t images, int64_t height, int64_t width, int64_t channels,
                       int threads, double* out) {
  std::fill(out, out + 10 * channels, 0.0);
  std::vector<double> partial(threads * 10 * channels, 0.0);
#pragma omp parallel num_threads(threads)
  {
    double* mine = partial.data() + omp_get_thread_num() * 10 * channels;
    Floats sums(10 * channels);
    const Floats zeros(channels, 0.0f);
#pragma omp for schedule(static)
    for (int64_t line = 0; line < images * height; ++line) {
      std::fill(sums.begin(), sums.end(), 0.0f);
      float* s = sums.data();
      for (int64_t column = 0; column < width; ++column) {
        const auto [x0, x1, x2, x3, x4, x5, x6, x7, x8] =
            neighbours(x, line, column, height, width, channels, zeros.data());
        const float* gs = g + (line * width + column) * channels;
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) {
          float* t = s + c;
          const float h = gs[c];
          t[0] += h * x0[c];
          t[channels] += h * x1[c];
          t[2 * channels] += h * x2[c];
          t[3 * channels] += h * x3[c];
          t[4 * channels] += h * x4[c];
          t[5 * channels] += h * x5[c];
          t[6 * channels] += h * x6[c];
          t[7 * channels] += h * x7[c];
          t[8 * channels] += h * x8[c];
          t[9 * channels] += h;
        }
      }
      for (int64_t i = 0; i < 10 * channels; ++i) mine[i] += s[i];
    }
  }
  for (int thread = 0; thread < threads; ++thread)
    for (int64_t i = 0; i < 10 * channels; ++i) out[i] += partial[thread * 10 * channels + i];
}

// The largest of each 2x2 window: y (images, height / 2, width / 2, channels), and which of the four it is, the first
// of equals. An odd last line or column is left out.
void max_pool(const float* x, int64_t images, int64_t height, int64_t width, int64_t channels, int threads, float* y,
              int8_t* where) {
  const int64_t lines = height / 2, columns = width / 2;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t line = 0; line < images * lines; ++line) {
    for (int64_t column = 0; column < columns; ++column) {
      const float* a = x + ((line / lines * height + line % lines * 2) * width + column * 2) * channels;
      const float *b = a + channels, *c = a + width * channels, *d = c + channels;
      float* to = y + (line * columns + column) * channels;
      int8_t* at = where + (line * columns + column) * channels;
#pragma omp simd
      for (int64_t i = 0; i < channels; ++i) {
        const float p = a[i], q = b[i], r = c[i], t = d[i];
        float most = q > p ? q : p;
        int found = q > p ? 1 : 0;
        found = r > most ? 2 : found;
        most = r > most ? r : most;
        found = t > most ? 3 : found;
        to[i] = t > most ? t : most;
        at[i] = static_cast<int8_t>(found);
      }
    }
  }
}

// The gradient of x, all of it written.
void max_pool_back(const float* g, const int8_t* where, int64_t images, int64_t height, int64_t width, int64_t channels,
                   int threads, float* out) {
  const int64_t lines = height / 2, columns = width / 2;
#pragma omp parallel num_threads(threads)
  {
    Lines written(images * height * width, channels);
#pragma omp for schedule(static)
    for (int64_t line = 0; line < images * height; ++line) {
      for (int64_t column = 0; column < width; ++column) {
        const int64_t row = line % height, window = (line / height * lines + row / 2) * columns + column / 2;
        float* there = out + (line * width + column) * channels;
        float* to = written.of(there);
        if (row / 2 < lines && column / 2 < columns) {
          const int8_t mine = static_cast<int8_t>(row % 2 * 2 + column % 2), *at = where + window * channels;
          const float* from = g + window * channels;
#pragma omp simd
          for (int64_t c = 0; c < channels; ++c) {
            const float value = from[c];
            to[c] = at[c] == mine ? value : 0.0f;
          }
        } else {
          std::fill(to, to + channels, 0.0f);
        }
        written.written(there);
      }
    }
  }
}

// Over the places of each image: mean and largest value of every channel, and where that first lies.
void pool_places(const float* x, int64_t images, int64_t places, int64_t channels, int threads, float* mean,
                 float* largest, int32_t* where) {
#pragma omp parallel num_threads(threads)
  {
    Floats sums(channels);
    std::vector<double> totals(channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      float* most = largest + image * channels;
      int32_t* at = where + image * channels;
      const float* values = x + image * places * channels;
      std::copy(values, values + channels, most);
      std::fill(at, at + channels, 0);
      std::fill(totals.begin(), totals.end(), 0.0);
      for (int64_t first = 0; first < places; first += BLOCK) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        float* s = sums.data();
        for (int64_t place = first; place < std::min(places, first + BLOCK); ++place) {
          const float* v = values + place * channels;
#pragma omp simd
          for (int64_t c = 0; c < channels; ++c) {
            s[c] += v[c];
            const bool larger = v[c] > most[c];
            most[c] = larger ? v[c] : most[c];
            at[c] = larger ? static_cast<int32_t>(place) : at[c];
          }
        }
        for (int64_t c = 0; c < channels; ++c) totals[c] += s[c];
      }
      for (int64_t c = 0; c < channels; ++c) mean[image * channels + c] = static_cast<float>(totals[c] / places);
    }
  }
}

// Over the channels of every place of x times `weights` (images, channels): the mean and the largest value, into
// pooled (images, places, 2), and the channel in which that first lies.
void pool_channels(const float* x, const float* weights, int64_t images, int64_t places, int64_t channels, int threads,
                   float* pooled, int32_t* where) {
#pragma omp parallel num_threads(threads)
  {
    Floats line(channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < images * places; ++row) {
      const float *values = x + row * channels, *w = weights + row / places * channels;
      float* products = line.data();
      float sum = 0.0f, most = values[0] * w[0];
#pragma omp simd reduction(+ : sum) reduction(max : most)
      for (int64_t c = 0; c < channels; ++c) {
        const float v = values[c] * w[c];
        products[c] = v;
        sum += v;
        most = v > most ? v : most;
      }
      int32_t at = static_cast<int32_t>(channels) - 1;
#pragma omp simd reduction(min : at)
      for (int32_t c = 0; c < channels; ++c) {
        const int32_t found = products[c] == most ? c : at;
        at = found < at ? found : at;
      }
      pooled[2 * row] = sum / channels;
      pooled[2 * row + 1] = most;
      where[row] = at;
    }
  }
}

// y = act(x * weights * map + shortcut); `map` (images, places), `shortcut` may be null.
void attend(const float* x, const float* weights, const float* map, const float* shortcut, const float* slope,
            int64_t images, int64_t places, int64_t channels, int threads, float* y) {
#pragma omp parallel num_threads(threads)
  {
    const Floats zeros(channels, 0.0f);
    Lines lines(images * places, channels);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < images * places; ++row) {
      const float *v = x + row * channels, *w = weights + row / places * channels;
      const float* beside = shortcut ? shortcut + row * channels : zeros.data();
      const float m = map[row];
      float* to = lines.of(y + row * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float a = v[c] * w[c] * m + beside[c];
        to[c] = a > 0.0f ? a : slope[c] * a;
      }
      lines.written(y + row * channels);
    }
  }
}

// h, the gradient before the activation; that of the map (images, places); that of the slope (channels).
void attend_back_map(const float* g, const float* x, const float* weights, const float* map, const float* shortcut,
                     const float* slope, int64_t images, int64_t places, int64_t channels, int threads, float* h,
                     float* map_gradient, double* slope_gradient) {
  const Floats zeros(channels, 0.0f);
  const float* nothing = zeros.data();
  sum_blocks(images * places, channels, 1, threads, slope_gradient, [=](int64_t first, int64_t last, float* slopes) {
    Lines lines(images * places, channels);
    for (int64_t row = first; row < last; ++row) {
      map_gradient[row] = attend_row(g + row * channels, x + row * channels, weights + row / places * channels,
                                     map[row], shortcut ? shortcut + row * channels : nothing, slope, channels,
                                     lines.of(h + row * channels), slopes);
      lines.written(h + row * channels);
    }
  });
}

// The gradient of `weights` (images, channels): the sum over places of x * (h * map + mean_gradient / channels), and
// largest_gradient where the channel is the place's largest. `pooled_gradient` is (images, places, 2).
void attend_back_weights(const float* h, const float* x, const float* map, const float* pooled_gradient,
                         const int32_t* where, int64_t images, int64_t places, int64_t channels, int threads,
                         float* out) {
#pragma omp parallel num_threads(threads)
  {
    Floats sums(channels);
    std::vector<double> totals(channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      std::fill(totals.begin(), totals.end(), 0.0);
      for (int64_t first = 0; first < places; first += BLOCK) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        float* s = sums.data();
        for (int64_t place = first; place < std::min(places, first + BLOCK); ++place) {
          const int64_t row = image * places + place;
          const float *hs = h + row * channels, *v = x + row * channels;
          const float m = map[row], mean = pooled_gradient[2 * row] / channels;
#pragma omp simd
          for (int64_t c = 0; c < channels; ++c) s[c] += v[c] * (hs[c] * m + mean);
          s[where[row]] += v[where[row]] * pooled_gradient[2 * row + 1];
        }
        for (int64_t c = 0; c < channels; ++c) totals[c] += s[c];
      }
      for (int64_t c = 0; c < channels; ++c) out[image * channels + c] = static_cast<float>(totals[c]);
    }
  }
}

// The gradient of x: weights * (h * map + mean_gradient / channels [+ largest_gradient]) + that of the pooling over
// places, of which mean_places (images, channels) is divided by places here and largest_places goes to `first`.
void attend_back(const float* h, const float* weights, const float* map, const float* pooled_gradient,
                 const int32_t* where, const float* mean_places, const float* largest_places, const int32_t* first,
                 int64_t images, int64_t places, int64_t channels, int threads, float* out) {
#pragma omp parallel num_threads(threads)
  {
    Floats constant(channels);
    Lines lines(images * places, channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      const float* w = weights + image * channels;
      float* k = constant.data();
      for (int64_t c = 0; c < channels; ++c) k[c] = mean_places[image * channels + c] / places;
      for (int64_t place = 0; place < places; ++place) {
        const int64_t row = image * places + place;
        const float* hs = h + row * channels;
        const float m = map[row], mean = pooled_gradient[2 * row] / channels;
        float* to = lines.of(out + row * channels);
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) to[c] = w[c] * (hs[c] * m + mean) + k[c];
        to[where[row]] += w[where[row]] * pooled_gradient[2 * row + 1];
        lines.written(out + row * channels);
      }
      float* here = out + image * places * channels;
      for (int64_t c = 0; c < channels; ++c)
        here[first[image * channels + c] * channels + c] += largest_places[image * channels + c];
    }
  }
}

}  // extern "C"
