// The 2x2 max-pool that closes a stage.

#include "passes.h"

extern "C" {

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
    Lines written(out, images * height * width, channels);
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

}  // extern "C"
