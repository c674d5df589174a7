// Helpers of the CPU kernels.
//
// Images are in channels-last memory format: `rows` positions of `channels` floats, where rows = images * positions.
// Sums over rows are float within a block of rows and double over the blocks. Their order depends only on the number
// of threads, so that a machine gives the same bits every time.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <omp.h>

constexpr int64_t BLOCK = 128;  // rows

// ReLU (slope 0), PReLU, or no activation (slope 1).
inline float leaky(float x, float slope) { return x > 0 ? x : slope * x; }

// Returns the gradient of x from the gradient g of leaky(x, slope).
inline float leaky_backward(float g, float x, float slope) { return x > 0 ? g : slope * g; }

// Calls body(image, first, last) for each block of rows of each image; the threads of a team share the blocks.
template <class Body>
void for_blocks(int64_t images, int64_t positions, Body body) {
  const int64_t blocks = (positions + BLOCK - 1) / BLOCK;
#pragma omp for schedule(static)
  for (int64_t block = 0; block < images * blocks; ++block) {
    const int64_t first = block % blocks * BLOCK;
    body(block / blocks, first, std::min(positions, first + BLOCK));
  }
}

// Returns the sums over all blocks of the `width` floats `sums` to which body(image, first, last, sums) adds.
template <class Body>
std::vector<double> sum_blocks(int64_t images, int64_t positions, int64_t width, int threads, Body body) {
  std::vector<double> partial(threads * width, 0.0), total(width, 0.0);
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> sums(width);
    double* thread_total = partial.data() + omp_get_thread_num() * width;
    for_blocks(images, positions, [&](int64_t image, int64_t first, int64_t last) {
      std::fill(sums.begin(), sums.end(), 0.0f);
      body(image, first, last, sums.data());
      for (int64_t i = 0; i < width; ++i) thread_total[i] += sums[i];
    });
  }
  for (int64_t i = 0; i < threads * width; ++i) total[i % width] += partial[i];
  return total;
}
