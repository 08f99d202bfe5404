//===- Processor.cpp - What this processor can do -------------------------===//

#include "marimba/Processor.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace marimba::rt {

namespace {

enum class Register { EAX, EBX, ECX, EDX };

/// Registers that a system must save for an extension to be of use.
enum class Saved { Nothing, Vectors256, Vectors512, Tiles, MoreRegisters };

struct Feature {
  std::string_view name;
  uint32_t leaf, subleaf; // of cpuid
  Register in;
  unsigned bit;
  Saved saved = Saved::Nothing;
};

using enum Register;
using enum Saved;

// AMD's and Intel's manuals; the names are those of LLVM's X86.td.
constexpr Feature kFeatures[] = {
    {"sse3", 1, 0, ECX, 0},
    {"pclmul", 1, 0, ECX, 1},
    {"ssse3", 1, 0, ECX, 9},
    {"fma", 1, 0, ECX, 12, Vectors256},
    {"cx16", 1, 0, ECX, 13},
    {"sse4.1", 1, 0, ECX, 19},
    {"sse4.2", 1, 0, ECX, 20},
    {"movbe", 1, 0, ECX, 22},
    {"popcnt", 1, 0, ECX, 23},
    {"aes", 1, 0, ECX, 25},
    {"avx", 1, 0, ECX, 28, Vectors256},
    {"f16c", 1, 0, ECX, 29, Vectors256},
    {"bmi", 7, 0, EBX, 3},
    {"avx2", 7, 0, EBX, 5, Vectors256},
    {"bmi2", 7, 0, EBX, 8},
    {"avx512f", 7, 0, EBX, 16, Vectors512},
    {"avx512dq", 7, 0, EBX, 17, Vectors512},
    {"adx", 7, 0, EBX, 19},
    {"avx512ifma", 7, 0, EBX, 21, Vectors512},
    {"avx512cd", 7, 0, EBX, 28, Vectors512},
    {"sha", 7, 0, EBX, 29},
    {"avx512bw", 7, 0, EBX, 30, Vectors512},
    {"avx512vl", 7, 0, EBX, 31, Vectors512},
    {"avx512vbmi", 7, 0, ECX, 1, Vectors512},
    {"avx512vbmi2", 7, 0, ECX, 6, Vectors512},
    {"gfni", 7, 0, ECX, 8},
    {"vaes", 7, 0, ECX, 9, Vectors256},
    {"vpclmulqdq", 7, 0, ECX, 10, Vectors256},
    {"avx512vnni", 7, 0, ECX, 11, Vectors512},
    {"avx512bitalg", 7, 0, ECX, 12, Vectors512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Vectors512},
    {"avx512vp2intersect", 7, 0, EDX, 8, Vectors512},
    {"amx-bf16", 7, 0, EDX, 22, Tiles},
    {"avx512fp16", 7, 0, EDX, 23, Vectors512},
    {"amx-tile", 7, 0, EDX, 24, Tiles},
    {"amx-int8", 7, 0, EDX, 25, Tiles},
    {"avxvnni", 7, 1, EAX, 4, Vectors256},
    {"avx512bf16", 7, 1, EAX, 5, Vectors512},
    {"avxifma", 7, 1, EAX, 23, Vectors256},
    {"avxvnniint8", 7, 1, EDX, 4, Vectors256},
    {"avxneconvert", 7, 1, EDX, 5, Vectors256},
    {"avxvnniint16", 7, 1, EDX, 10, Vectors256},
    {"avx10.1", 7, 1, EDX, 19, Vectors512},
    {"avx10.2", 0x24, 0, EBX, 1, Vectors512}, // a number there: 2 or 3
    // The parts of APX.
    {"egpr", 7, 1, EDX, 21, MoreRegisters},
    {"push2pop2", 7, 1, EDX, 21, MoreRegisters},
    {"ppx", 7, 1, EDX, 21, MoreRegisters},
    {"ndd", 7, 1, EDX, 21, MoreRegisters},
    {"ccmp", 7, 1, EDX, 21, MoreRegisters},
    {"nf", 7, 1, EDX, 21, MoreRegisters},
    {"cf", 7, 1, EDX, 21, MoreRegisters},
    {"zu", 7, 1, EDX, 21, MoreRegisters},
    {"sahf", 0x80000001, 0, ECX, 0},
    {"lzcnt", 0x80000001, 0, ECX, 5},
    {"sse4a", 0x80000001, 0, ECX, 6},
    {"xop", 0x80000001, 0, ECX, 11, Vectors256},
    {"fma4", 0x80000001, 0, ECX, 16, Vectors256},
    {"tbm", 0x80000001, 0, ECX, 21},
};

const Feature *find(std::string_view name) {
  const Feature *found = std::find_if(
      std::begin(kFeatures), std::end(kFeatures),
      [&](const Feature &feature) { return feature.name == name; });
  return found == std::end(kFeatures) ? nullptr : found;
}

#if defined(__x86_64__)
bool saves(Saved saved) {
  constexpr uint32_t osxsave = 1 << 27, ymm = 0x06, zmm = 0xe6;
  constexpr uint32_t tiles = 3 << 17, apx = 1 << 19;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (saved == Nothing)
    return true;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & osxsave))
    return false;
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  uint32_t wanted = saved == Vectors256   ? ymm
                    : saved == Vectors512 ? zmm
                    : saved == Tiles      ? tiles
                                          : apx;
  return (low & wanted) == wanted;
}

bool has(const Feature &feature) {
  uint32_t registers[4] = {};
  return __get_cpuid_count(feature.leaf, feature.subleaf, &registers[0],
                           &registers[1], &registers[2], &registers[3]) &&
         (registers[static_cast<size_t>(feature.in)] >> feature.bit & 1) &&
         saves(feature.saved);
}
#else
bool has(const Feature &) { return false; }
#endif

} // namespace

bool isKnownFeature(std::string_view name) { return find(name); }

std::vector<std::string> missingFeatures(std::span<const std::string> names) {
  std::vector<std::string> missing;
  for (const std::string &name : names)
    if (const Feature *feature = find(name); !feature || !has(*feature))
      missing.push_back(name);
  return missing;
}

} // namespace marimba::rt
