// CBAM between a norm with its activation and the sum with the shortcut: y = act(a * weights * map + shortcut), where
// a = act(x * scale + shift) is computed anew wherever it is read, which is cheaper than to write it down.
//
// `weights` (images, channels) are the channel attention's, `map` (images, places) is the spatial one's; the small
// networks between these kernels are in Python.

#include "norm.h"

namespace {

// What a norm with its activation makes of one value.
inline float normed(float x, const Map& how, int64_t c) {
  return activated(x * how.scale[c] + how.shift[c], how.slope[c]);
}

inline void pool_places_row(const float* __restrict x, const Map& how, int64_t place, int64_t channels,
                            float* __restrict sums, float* __restrict most, int32_t* __restrict at) {
  const float *scale = how.scale, *shift = how.shift, *slope = how.slope;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float a = activated(x[c] * scale[c] + shift[c], slope[c]);
    sums[c] += a;
    const bool larger = a > most[c];
    most[c] = larger ? a : most[c];
    at[c] = larger ? static_cast<int32_t>(place) : at[c];
  }
}

// Gives the channel of the largest value.
inline int32_t pool_channels_row(const float* __restrict x, const Map& how, const float* __restrict weights,
                                 int64_t channels, float* __restrict products, float& mean, float& largest) {
  const float *scale = how.scale, *shift = how.shift, *slope = how.slope;
  float sum = 0.0f, most = activated(x[0] * scale[0] + shift[0], slope[0]) * weights[0];
#pragma omp simd reduction(+ : sum) reduction(max : most)
  for (int64_t c = 0; c < channels; ++c) {
    const float v = activated(x[c] * scale[c] + shift[c], slope[c]) * weights[c];
    products[c] = v;
    sum += v;
    most = v > most ? v : most;
  }
  mean = sum / channels;
  largest = most;
  int32_t at = static_cast<int32_t>(channels) - 1;
#pragma omp simd reduction(min : at)
  for (int32_t c = 0; c < static_cast<int32_t>(channels); ++c) {
    const int32_t found = products[c] == most ? c : at;
    at = found < at ? found : at;
  }
  return at;
}

inline void attend_row(const float* __restrict x, const Map& how, const float* __restrict weights, float map,
                       const float* __restrict shortcut, const float* __restrict slopes, int64_t channels,
                       float* __restrict y) {
  const float *scale = how.scale, *shift = how.shift, *slope = how.slope;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const float a = activated(x[c] * scale[c] + shift[c], slope[c]);
    y[c] = activated(a * weights[c] * map + shortcut[c], slopes[c]);
  }
}

// Gives the map's gradient at the place.
inline float back_map_row(const float* __restrict g, const float* __restrict x, const Map& how,
                          const float* __restrict weights, float map, const float* __restrict shortcut,
                          const float* __restrict slopes, int64_t channels, float* __restrict h,
                          float* __restrict sums) {
  const float *scale = how.scale, *shift = how.shift, *slope = how.slope;
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < channels; ++c) {
    const float t = activated(x[c] * scale[c] + shift[c], slope[c]) * weights[c], b = t * map + shortcut[c];
    const float before = before_activated(g[c], b, slopes[c]);
    sums[c] += g[c] * below(b);
    h[c] = before;
    sum += before * t;
  }
  return sum;
}

// What reaches a of one image from behind the attentions: see attend_back.
struct Behind {
  const float *h, *weights, *map, *means, *mosts, *constant, *largest;
  const int32_t *where, *first;
  int64_t channels;
};

inline void behind_row(const Behind& image, int64_t place, float* __restrict out) {
  const float* h = image.h + place * image.channels;
  const float *weights = image.weights, *constant = image.constant, *largest = image.largest;
  const int32_t* first = image.first;
  const float map = image.map[place], mean = image.means[place], most = image.mosts[place];
  const int32_t at = image.where[place], here = static_cast<int32_t>(place);
  const int32_t channels = static_cast<int32_t>(image.channels);
#pragma omp simd
  for (int32_t c = 0; c < channels; ++c)
    out[c] = weights[c] * (h[c] * map + mean + (c == at ? most : 0.0f)) + constant[c] +
             (first[c] == here ? largest[c] : 0.0f);
}

// The seven sums of attend_back_weights for some places, from one channel on.
template <class V>
inline void sum_places(const float* h, const float* x, const Map& how, const float* map, const float* means,
                       int64_t places, int64_t channels, int64_t c, float* sums) {
  const V scale = load<V>(how.scale + c), shift = load<V>(how.shift + c), slope = load<V>(how.slope + c);
  const V middle = load<V>(how.mean + c);
  V s[7] = {};
  for (int64_t place = 0; place < places; ++place) {
    const V value = load<V>(x + place * channels + c), a = value * scale + shift;
    const V t = load<V>(h + place * channels + c) * map[place] + means[place];
    const V one = V{} + 1.0f, under = below(a), d = before_activated(one, a, slope), off = d * (value - middle);
    s[0] += t * activated(a, slope);
    s[1] += t * d;
    s[2] += t * off;
    s[3] += t * under;
    s[4] += d;
    s[5] += off;
    s[6] += under;
  }
  for (int i = 0; i < 7; ++i) store(sums + i * channels + c, s[i]);
}

}  // namespace

extern "C" {

// Over the places of each image: mean and largest value of every channel of a, and where that first lies.
void pool_places(const float* x, const float* norm, int64_t images,
                 int64_t places, int64_t channels, int threads, float* mean, float* largest, int32_t* where) {
  const Map how(norm, channels);
#pragma omp parallel num_threads(threads)
  {
    Floats sums(channels);
    Doubles totals(channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      float* most = largest + image * channels;
      int32_t* at = where + image * channels;
      const float* values = x + image * places * channels;
      for (int64_t c = 0; c < channels; ++c) most[c] = normed(values[c], how, c);
      std::fill(at, at + channels, 0);
      std::fill(totals.begin(), totals.end(), 0.0);
      for (int64_t first = 0; first < places; first += BLOCK) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t place = first; place < std::min(places, first + BLOCK); ++place)
          pool_places_row(values + place * channels, how, place, channels, sums.data(), most, at);
        for (int64_t c = 0; c < channels; ++c) totals[c] += sums[c];
      }
      for (int64_t c = 0; c < channels; ++c) mean[image * channels + c] = static_cast<float>(totals[c] / places);
    }
  }
}

// Over the channels of every place of a * weights: the mean and the largest value, pooled (images, 2, places), and the
// channel in which that first lies.
void pool_channels(const float* x, const float* norm, const float* weights,
                   int64_t images, int64_t places, int64_t channels, int threads, float* pooled, int32_t* where) {
  const Map how(norm, channels);
#pragma omp parallel num_threads(threads)
  {
    Floats line(channels);
    by_blocks(images, places, [&](int64_t image, int64_t first, int64_t last) {
      const float *values = x + image * places * channels, *w = weights + image * channels;
      float *means = pooled + 2 * image * places, *mosts = means + places;
      for (int64_t place = first; place < last; ++place)
        where[image * places + place] = pool_channels_row(values + place * channels, how, w, channels, line.data(),
                                                          means[place], mosts[place]);
    });
  }
}

// y; `shortcut` may be null.
void attend(const float* x, const float* norm, const float* weights,
            const float* map, const float* shortcut, const float* slopes, int64_t images, int64_t places,
            int64_t channels, int threads, float* y) {
  const Map how(norm, channels);
  const Floats zeros(channels, 0.0f);
#pragma omp parallel num_threads(threads)
  {
    Lines lines(y, images * places, channels);
    by_blocks(images, places, [&](int64_t image, int64_t first, int64_t last) {
      for (int64_t row = image * places + first; row < image * places + last; ++row) {
        attend_row(x + row * channels, how, weights + image * channels, map[row],
                   shortcut ? shortcut + row * channels : zeros.data(), slopes, channels, lines.of(y + row * channels));
        lines.written(y + row * channels);
      }
    });
  }
}

// h, the gradient before the last activation; that of the map (images, places); that of its slope (channels).
void attend_back_map(const float* g, const float* x, const float* norm,
                     const float* weights, const float* map, const float* shortcut, const float* slopes, int64_t images,
                     int64_t places, int64_t channels, int threads, float* h, float* map_gradient,
                     double* slope_gradient) {
  const Map how(norm, channels);
  const Floats zeros(channels, 0.0f);
  const auto body = [&](int64_t image, int64_t first, int64_t last, float* sums) {
    Lines lines(h, images * places, channels);
    for (int64_t row = image * places + first; row < image * places + last; ++row) {
      map_gradient[row] = back_map_row(g + row * channels, x + row * channels, how, weights + image * channels,
                                       map[row], shortcut ? shortcut + row * channels : zeros.data(), slopes, channels,
                                       lines.of(h + row * channels), sums);
      lines.written(h + row * channels);
    }
  };
  sum_blocks(images, places, channels, 1, threads, slope_gradient, body);
}

// For each image and channel the sums over the places of t * a, which is the gradient of `weights`; of t * d, t * d *
// (x - mean), t * min(x * scale + shift, 0); and of the same three without t: out (images, 7, channels). Here d is the
// slope of the activation, and t what reaches a for a weight of 1: h * map + means [+ mosts], the bracket for the
// channel that is the place's largest; `means` (images, places) and `mosts` are gradients of what was pooled, the mean's
// for one channel. From the six, and from what is known only later, come the sums of norm_act_sums.
void attend_back_weights(const float* h, const float* x, const float* norm, const float* map, const float* means,
                         const float* mosts, const int32_t* where, int64_t images, int64_t places, int64_t channels,
                         int threads, float* out) {
  constexpr int64_t FEW = 32;  // places of which all channels stay in the nearest caches
  const Map how(norm, channels);
#pragma omp parallel num_threads(threads)
  {
    Floats sums(7 * channels);
    Doubles totals(7 * channels);
#pragma omp for schedule(static)
    for (int64_t image = 0; image < images; ++image) {
      std::fill(totals.begin(), totals.end(), 0.0);
      for (int64_t first = 0; first < places; first += FEW) {
        const int64_t count = std::min(FEW, places - first), row = image * places + first;
        const float *hs = h + row * channels, *xs = x + row * channels;
        if (first + 2 * FEW <= places) {
          fetch(hs + FEW * channels, hs + 2 * FEW * channels);
          fetch(xs + FEW * channels, xs + 2 * FEW * channels);
        }
        by_channels(channels, [&](auto kind, int64_t c) {
          sum_places<decltype(kind)>(hs, xs, how, map + row, means + row, count, channels, c, sums.data());
        });
        for (int64_t place = 0; place < count; ++place) {
          const int64_t c = where[row + place];
          const float t = mosts[row + place], value = xs[place * channels + c];
          const float a = value * how.scale[c] + how.shift[c], d = t * before_activated(1.0f, a, how.slope[c]);
          sums[c] += t * activated(a, how.slope[c]);
          sums[channels + c] += d;
          sums[2 * channels + c] += d * (value - how.mean[c]);
          sums[3 * channels + c] += t * below(a);
        }
        for (int64_t i = 0; i < 7 * channels; ++i) totals[i] += sums[i];
      }
      for (int64_t i = 0; i < 7 * channels; ++i) out[image * 7 * channels + i] = static_cast<float>(totals[i]);
    }
  }
}

// The gradient of x, given that of a: weights * t + mean_places [+ largest_places], the bracket for the place that is
// the channel's largest, `first`; `mean_places` (images, channels) is the gradient of the mean over places for one of
// them, `largest_places` that of the largest. With a norm, `normed`, also the gradients of its weight, bias and slope
// (3, channels), from the `sums` that attend_back_weights gave.
void attend_back(const float* h, const float* x, const float* norm, int64_t has_norm, const float* sums,
                 const float* weights, const float* map, const float* means, const float* mosts, const int32_t* where,
                 const float* mean_places, const float* largest_places, const int32_t* first, int64_t images,
                 int64_t places, int64_t channels, int threads, float* out, float* gradients) {
  const Map how(norm, channels);
  Floats back(2 * channels);
  if (has_norm) {
    Doubles totals(3 * channels);
    for (int64_t image = 0; image < images; ++image) {
      const int64_t line = image * channels;
      const float *mine = sums + 7 * line, *xs = x + image * places * channels;
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t c = 0; c < channels; ++c)
          totals[i * channels + c] += double{mine[(1 + i) * channels + c]} * weights[line + c] +
                                      double{mine[(4 + i) * channels + c]} * mean_places[line + c];
      for (int64_t c = 0; c < channels; ++c) {
        const float value = xs[first[line + c] * channels + c], a = value * how.scale[c] + how.shift[c];
        const double g = largest_places[line + c], h = g * before_activated(1.0f, a, how.slope[c]);
        totals[c] += h;
        totals[channels + c] += h * (value - how.mean[c]);
        totals[2 * channels + c] += g * below(a);
      }
    }
    norm_back(totals.data(), how, images * places, channels, back.data(), gradients);
  }
#pragma omp parallel num_threads(threads)
  {
    Floats line(channels);
    Lines lines(out, images * places, channels);
    by_blocks(images, places, [&](int64_t image, int64_t from, int64_t to) {
      const int64_t row = image * places, each = image * channels;
      const Behind behind{h + row * channels, weights + each, map + row,    means + row, mosts + row, mean_places + each,
                          largest_places + each, where + row, first + each, channels};
      for (int64_t place = from; place < to; ++place) {
        const int64_t at = (row + place) * channels;
        behind_row(behind, place, line.data());
        norm_act_back_row(line.data(), x + at, how, back.data(), channels, lines.of(out + at));
        lines.written(out + at);
      }
    });
  }
}

}  // extern "C"
