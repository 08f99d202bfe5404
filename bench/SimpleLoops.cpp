//===- SimpleLoops.cpp - Limits of the machine by hand --------------------===//
//
// Part of Marimba. Compiled for the processor at hand (-march=native).
//
//===----------------------------------------------------------------------===//

#include "bench/SimpleLoops.h"

#include <cstring>
#include <utility>
#ifdef __x86_64__
#include <immintrin.h>
#endif

using namespace marimba::bench;

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

namespace {
using Floats = float __attribute__((vector_size(VECTOR_BYTES)));
using Ints = int32_t __attribute__((vector_size(VECTOR_BYTES)));
constexpr int kLanes = VECTOR_BYTES / 4;

Floats splat(float value) { return Floats{} + value; }

#ifdef __x86_64__
#define IN_REGISTER "+x"
#else
#define IN_REGISTER "+w"
#endif

/// Makes the compiler believe that the value changes here, or is needed.
template <typename T> void touch(T &value) {
  asm volatile("" : IN_REGISTER(value));
}

/// The same of memory.
void touchMemory(void *memory) { asm volatile("" ::"r"(memory) : "memory"); }

template <typename Acc, unsigned N, typename Step>
void accumulate(int64_t iterations, Step step) {
  Acc acc[N];
  for (unsigned i = 0; i < N; ++i) {
    acc[i] = Acc{};
    touch(acc[i]);
  }
  for (int64_t k = 0; k < iterations; ++k) {
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < N; ++i)
      step(acc[i]);
  }
  for (unsigned i = 0; i < N; ++i)
    touch(acc[i]);
}
} // namespace

//===----------------------------------------------------------------------===//
// Multiplication
//===----------------------------------------------------------------------===//

template <unsigned N> static void fmaLoop(int64_t iterations, char *) {
  Floats x = splat(0.5f), y = splat(0.25f);
  touch(x);
  touch(y);
  accumulate<Floats, N>(iterations, [&](Floats &acc) {
    acc = x * y + acc;
    touch(acc);
  });
}

/// A tile of a matrix product: 6 rows of one operand by 2 vectors of the other,
/// both from the first-level cache.
static void tileLoop(int64_t iterations, char *) {
  static float a[6 * 64];
  static Floats b[2 * 64];
  touchMemory(a);
  touchMemory(b);
  Floats acc[12] = {};
  for (int64_t k = 0; k < iterations; ++k) {
    int64_t at = k & 63;
    Floats b0 = b[2 * at], b1 = b[2 * at + 1];
#pragma clang loop unroll(full)
    for (int i = 0; i < 6; ++i) {
      Floats row = splat(a[6 * at + i]);
      acc[2 * i] = row * b0 + acc[2 * i];
      acc[2 * i + 1] = row * b1 + acc[2 * i + 1];
    }
  }
  for (Floats &sum : acc)
    touch(sum);
}

template <unsigned N> static SimpleLoop makeFma() {
  return {std::to_string(N) + " sums", 2.0 * kLanes * N, fmaLoop<N>};
}

std::vector<SimpleLoop> marimba::bench::fmaLoops() {
  return {makeFma<8>(),
          makeFma<10>(),
          makeFma<12>(),
          makeFma<14>(),
          {"6x2 tile", 2.0 * kLanes * 12, tileLoop}};
}

std::vector<SimpleLoop> marimba::bench::bf16Loops() {
#if defined(__AVX512BF16__)
  return {{"vdpbf16ps", 4.0 * kLanes * 12, [](int64_t iterations, char *) {
             __m512i bits = _mm512_set1_epi16(0x3f00); // 0.5
             auto x = reinterpret_cast<__m512bh &>(bits);
             accumulate<Floats, 12>(iterations, [&](Floats &acc) {
               acc = _mm512_dpbf16_ps(acc, x, x);
             });
           }}};
#else
  return {};
#endif
}

std::vector<SimpleLoop> marimba::bench::int8Loops() {
#if defined(__AVX512VNNI__)
  return {{"vpdpbusd", 8.0 * kLanes * 12, [](int64_t iterations, char *) {
             __m512i x = _mm512_set1_epi8(1);
             accumulate<Ints, 12>(iterations, [&](Ints &acc) {
               acc = Ints(_mm512_dpbusd_epi32(__m512i(acc), x, x));
               touch(acc);
             });
           }}};
#elif defined(__AVXVNNI__)
  return {{"vpdpbusd", 8.0 * kLanes * 12, [](int64_t iterations, char *) {
             __m256i x = _mm256_set1_epi8(1);
             accumulate<Ints, 12>(iterations, [&](Ints &acc) {
               acc = Ints(_mm256_dpbusd_avx_epi32(__m256i(acc), x, x));
               touch(acc);
             });
           }}};
#elif defined(__AVX2__) && !defined(__AVX512F__)
  auto wide = [](int64_t iterations, char *) {
    __m256i x = _mm256_set1_epi16(1);
    accumulate<Ints, 12>(iterations, [&](Ints &acc) {
      touch(x); // the product is made again each time
      acc += Ints(_mm256_madd_epi16(x, x));
    });
  };
  // Pairs are added with saturation: exact for 7-bit operands only.
  auto bytes = [](int64_t iterations, char *) {
    __m256i x = _mm256_set1_epi8(1), one = _mm256_set1_epi16(1);
    accumulate<Ints, 12>(iterations, [&](Ints &acc) {
      touch(x);
      acc += Ints(_mm256_madd_epi16(_mm256_maddubs_epi16(x, x), one));
    });
  };
  return {{"vpmaddwd", 4.0 * kLanes * 12, wide},
          {"vpmaddubsw", 8.0 * kLanes * 12, bytes}};
#else
  return {};
#endif
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

/// 2^n 2^f with x log2 e = n + f, a polynomial of degree 5 for 2^f.
static Floats exponential(Floats x) {
  Floats shifted = x * splat(1.44269502f) + splat(0x1.8p23f);
  Floats n = shifted - splat(0x1.8p23f);
  Floats f = x * splat(1.44269502f) - n;
  Floats p = splat(1.326472731e-3f);
  for (float c :
       {9.671512991e-3f, 5.550733582e-2f, 0.2402224243f, 0.6931470037f, 1.0f})
    p = p * f + splat(c);
  return Floats(Ints(p) + (Ints(shifted) << 23));
}

template <unsigned N> static void expLoop(int64_t iterations, char *) {
  Floats x = splat(-1.25f);
  accumulate<Floats, N>(iterations, [&](Floats &acc) {
    Floats mine = x;
    touch(mine); // an argument of its own
    acc += exponential(mine);
  });
}

/// Over an array in the first-level cache, N vectors at a time.
template <unsigned N> static void expArray(int64_t iterations, char *) {
  constexpr int64_t rounds = 128 / N;
  static thread_local Floats in[rounds * N], out[rounds * N];
  touchMemory(in);
  for (int64_t k = 0; k < iterations; ++k) {
    int64_t at = k % rounds * N;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < N; ++i)
      out[at + i] = exponential(in[at + i]);
    touchMemory(out);
  }
}

std::vector<SimpleLoop> marimba::bench::expLoops() {
  return {{"4 sums", 4.0 * kLanes, expLoop<4>},
          {"6 sums", 6.0 * kLanes, expLoop<6>},
          {"8 sums", 8.0 * kLanes, expLoop<8>},
          {"array by 2", 2.0 * kLanes, expArray<2>},
          {"array by 4", 4.0 * kLanes, expArray<4>}};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

template <unsigned Streams, int Ahead>
static void readLoop(int64_t lines, char *memory) {
  constexpr int64_t line = 64;
  int64_t each = lines / Streams * line;
  Ints sum[Streams] = {};
  for (int64_t at = 0; at < each; at += line) {
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < Streams; ++i) {
      const char *here = memory + i * each + at;
      if (Ahead)
        __builtin_prefetch(here + Ahead);
      for (int part = 0; part < line / VECTOR_BYTES; ++part) {
        Ints value;
        memcpy(&value, here + part * VECTOR_BYTES, sizeof(value));
        sum[i] += value;
      }
    }
  }
  for (Ints &one : sum)
    touch(one);
}

template <unsigned Streams, int... Ahead>
static void addReads(std::vector<SimpleLoop> &loops) {
  (loops.push_back({std::to_string(Streams) + " streams, " +
                        std::to_string(Ahead) + " ahead",
                    64, readLoop<Streams, Ahead>}),
   ...);
}

std::vector<SimpleLoop> marimba::bench::readLoops() {
  std::vector<SimpleLoop> loops;
  addReads<1, 0, 512, 1024, 4096, 8192>(loops);
  addReads<2, 0, 512, 1024, 4096, 8192>(loops);
  addReads<4, 0, 512, 1024, 4096, 8192>(loops);
  addReads<8, 0, 512, 1024, 4096, 8192>(loops);
  return loops;
}

template <int Ahead> static void updateLoop(int64_t lines, char *memory) {
  constexpr int64_t line = 64;
  for (int64_t at = 0; at < lines * line; at += line) {
    if (Ahead)
      __builtin_prefetch(memory + at + Ahead);
    for (int part = 0; part < line / VECTOR_BYTES; ++part) {
      Floats value;
      char *here = memory + at + part * VECTOR_BYTES;
      memcpy(&value, here, sizeof(value));
      value *= 0.999f;
      memcpy(here, &value, sizeof(value));
    }
  }
}

std::vector<SimpleLoop> marimba::bench::updateLoops() {
  return {{"as it comes", 128, updateLoop<0>},
          {"1024 ahead", 128, updateLoop<1024>},
          {"2048 ahead", 128, updateLoop<2048>},
          {"4096 ahead", 128, updateLoop<4096>}};
}
