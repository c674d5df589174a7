// How the kernels walk over memory.
//
// Images lie with their channels last: `rows` places of `channels` floats, or `images` times `places`. Sums over many
// places are taken in float over few of them and in double beyond, in an order that the number of threads fixes, so
// that one machine gives the same bits every time. Each kernel's slow twin is PyTorch's own operators; the tests hold
// them beside one another.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <omp.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// Floats that are computed on at once, in as many registers as that takes here.
typedef float Four __attribute__((vector_size(16)));
typedef float Sixteen __attribute__((vector_size(64)));

constexpr int64_t BLOCK = 128;  // places whose sums are taken in float

constexpr int64_t MANY = 1 << 22;  // floats, 16 MiB: more than will be found in the caches again

template <class V>
inline V load(const float* from) {
  V values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

// `past` brings a line that is aligned past the caches, which saves reading what is about to be overwritten.
template <class V>
inline void store(float* to, V values, [[maybe_unused]] bool past = false) {
#ifdef __AVX__
  if constexpr (sizeof values == 64) {
    if (past) {
      __m256 halves[2];
      std::memcpy(halves, &values, sizeof values);
      _mm256_stream_ps(to, halves[0]);
      return _mm256_stream_ps(to + 8, halves[1]);
    }
  }
#endif
  std::memcpy(to, &values, sizeof values);
}

// Whether so many results at `to` go past the caches; `finish` must then be called by the thread that wrote them.
inline bool goes_past(const float* to, int64_t rows, int64_t channels) {
  return rows * channels > MANY && channels % 16 == 0 && reinterpret_cast<uintptr_t>(to) % 64 == 0;
}

inline void finish() {
#ifdef __AVX__
  _mm_sfence();
#endif
}

// Calls `body(kind, channel)` for the channels, as many at once as fit; the type of `kind` says how many.
template <class Body>
inline void by_channels(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + 16 <= channels; c += 16) body(Sixteen{}, c);
  for (; c + 4 <= channels; c += 4) body(Four{}, c);
  for (; c < channels; ++c) body(0.0f, c);
}

// What is above 0 stays, the rest is multiplied by `slope`.
template <class V>
inline V activated(V x, V slope) {
  return x > V{} ? x : slope * x;
}

// The gradient before `activated` of x, given the one behind it.
template <class V>
inline V before_activated(V gradient, V x, V slope) {
  return x > V{} ? gradient : gradient * slope;
}

// What of x lies below 0.
template <class V>
inline V below(V x) {
  return x < V{} ? x : V{};
}

// e to the power of x, as in Cephes' expf: x = n log 2 + r, and a polynomial of r. Compilers make it many at once.
inline float exponential(float x) {
  x = x < -87 ? -87 : x;
  x = x > 87 ? 87 : x;
  const float n = std::nearbyint(x * 1.44269504f);
  const float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  for (const float next : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = p * r + next;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return (p * r * r + r + 1) * power;
}

inline float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

// Has the processor fetch floats that are read soon: it does not guess the strides of `by_channels`.
inline void fetch(const float* first, const float* last) {
  for (; first < last; first += 16) __builtin_prefetch(first, 0, 2);
}

// Where one thread's lines of results go: past the caches where they are many.
class Lines {
 public:
  Lines(const float* to, int64_t rows, int64_t channels)
      : channels_(channels), past_(goes_past(to, rows, channels)), line_(channels) {}

  // A place to write the line of `to` into; `written` brings it there.
  float* of(float* to) { return past_ ? line_.data() : to; }

  void written(float* to) {
    if (!past_) return;
    for (int64_t c = 0; c < channels_; c += 16) store(to + c, load<Sixteen>(line_.data() + c), true);
  }

  ~Lines() { finish(); }

 private:
  const int64_t channels_;
  const bool past_;
  Floats line_;
};

// Adds up what each thread's `body(sums)` leaves in `size` doubles of its own, into `out`.
template <class Body>
void sum_threads(int64_t size, int threads, double* out, Body body) {
  Doubles partial(threads * size, 0.0);
#pragma omp parallel num_threads(threads)
  body(partial.data() + omp_get_thread_num() * size);
  std::fill(out, out + size, 0.0);
  for (int thread = 0; thread < threads; ++thread)
    for (int64_t i = 0; i < size; ++i) out[i] += partial[thread * size + i];
}

// Shares `body(image, first, last)`, at most BLOCK places of an image at a time, out among the threads.
template <class Body>
void by_blocks(int64_t images, int64_t places, Body body) {
  const int64_t blocks = (places + BLOCK - 1) / BLOCK;
#pragma omp for schedule(static)
  for (int64_t block = 0; block < images * blocks; ++block) {
    const int64_t first = block % blocks * BLOCK;
    body(block / blocks, first, std::min(places, first + BLOCK));
  }
}

// Adds `body(image, first, last, accumulators)`, `sums` rows of `channels` floats for each block, up into `out`.
template <class Body>
void sum_blocks(int64_t images, int64_t places, int64_t channels, int64_t sums, int threads, double* out, Body body) {
  const int64_t width = sums * channels;
  sum_threads(width, threads, out, [&](double* mine) {
    Floats accumulators(width);
    by_blocks(images, places, [&](int64_t image, int64_t first, int64_t last) {
      std::fill(accumulators.begin(), accumulators.end(), 0.0f);
      body(image, first, last, accumulators.data());
      for (int64_t i = 0; i < width; ++i) mine[i] += accumulators[i];
    });
  });
}
