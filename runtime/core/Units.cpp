//===- Units.cpp - Parts of processors that --isa names -------------------===//

#include "marimba/Units.h"

#include "DnnlPrimitives.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>

namespace marimba::rt {

namespace {

using Names = std::string_view[];

constexpr Names kAvx2 = {"avx2", "fma", "f16c"};
constexpr Names kAvx512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq",
                           "avx512vl"};
constexpr Names kVnni = {"avx512vnni"};
constexpr Names kBf16 = {"avx512bf16"};
constexpr Names kAmx = {"amx-tile", "amx-bf16", "amx-int8"};

// Dot products of 256 bits are of later processors than AVX-512's first, and
// go with those of 512 bits.
constexpr Names kBeyondAvx2 = {"avx512f",      "avxvnni",     "avxifma",
                               "avxneconvert", "avxvnniint8", "avxvnniint16",
                               "amx-tile"};
constexpr Names kBeyondAvx512 = {
    "avx512vnni",         "avx512bf16",   "avx512fp16",   "avx512ifma",
    "avx512vbmi",         "avx512vbmi2",  "avx512bitalg", "avx512vpopcntdq",
    "avx512vp2intersect", "avxvnni",      "avxifma",      "avxneconvert",
    "avxvnniint8",        "avxvnniint16", "amx-tile"};
constexpr Names kBeyondVnni = {"avx512bf16",  "avx512fp16",   "avxneconvert",
                               "avxvnniint8", "avxvnniint16", "amx-tile"};
constexpr Names kBeyondBf16 = {"avx512fp16", "amx-tile"};
constexpr Names kBeyondAmx = {"avx10.2"};

constexpr Unit kUnits[] = {
    {"avx2", "AVX2, FMA and F16C: vectors of 256 bits, no dot products", kAvx2,
     kBeyondAvx2, 256, "AVX2"},
    {"avx512", "AVX-512 F, BW, CD, DQ and VL: vectors of 512 bits", kAvx512,
     kBeyondAvx512, 512, "AVX512_CORE"},
    {"avx512-vnni", "and dot products of bytes", kVnni, kBeyondVnni, 512,
     "AVX512_CORE_VNNI"},
    {"avx512-bf16", "and dot products of bf16", kBf16, kBeyondBf16, 512,
     "AVX512_CORE_BF16"},
    {"amx", "and tiles of bf16 and bytes", kAmx, kBeyondAmx, 512,
     "AVX512_CORE_AMX"},
};

/// What oneDNN can be limited to, the least first, and what its interface calls
/// that. Limits that are not here let it use more than any unit.
struct LibraryLimit {
  std::string_view name;
  int value;
};
constexpr LibraryLimit kLibraryLimits[] = {
    {"SSE41", dnnl_cpu_isa_sse41},
    {"AVX", dnnl_cpu_isa_avx},
    {"AVX2", dnnl_cpu_isa_avx2},
    {"AVX2_VNNI", dnnl_cpu_isa_avx2_vnni},
    {"AVX512_CORE", dnnl_cpu_isa_avx512_core},
    {"AVX512_CORE_VNNI", dnnl_cpu_isa_avx512_core_vnni},
    {"AVX512_CORE_BF16", dnnl_cpu_isa_avx512_core_bf16},
    {"AVX512_CORE_AMX", dnnl_cpu_isa_avx512_core_amx},
};

/// Where a limit stands among them, at their end for others.
template <typename Is> size_t rankWhere(Is is) {
  const LibraryLimit *found =
      std::find_if(std::begin(kLibraryLimits), std::end(kLibraryLimits), is);
  return static_cast<size_t>(found - kLibraryLimits);
}

size_t rankOf(std::string_view name) {
  return rankWhere([&](const LibraryLimit &limit) {
    return std::equal(name.begin(), name.end(), limit.name.begin(),
                      limit.name.end(), [](unsigned char a, unsigned char b) {
                        return std::toupper(a) == std::toupper(b);
                      });
  });
}

/// What the user allows by the library's own variable.
size_t rankOfUser() {
  for (const char *name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"})
    if (const char *value = std::getenv(name))
      return rankOf(std::string_view(value));
  return std::size(kLibraryLimits);
}

} // namespace

std::span<const Unit> units() { return kUnits; }

const Unit *findUnit(std::string_view name) {
  const Unit *found =
      std::find_if(std::begin(kUnits), std::end(kUnits),
                   [&](const Unit &unit) { return unit.name == name; });
  return found == std::end(kUnits) ? nullptr : found;
}

std::string unitNames() {
  std::string text;
  for (const Unit &unit : kUnits)
    text += (text.empty() ? "" : ", ") + std::string(unit.name);
  return text + " or " + std::string(kNativeUnit);
}

std::vector<std::string> lackingFor(const Unit &unit,
                                    std::span<const std::string> features) {
  std::vector<std::string> lacking;
  for (const Unit &part : kUnits) {
    for (std::string_view name : part.adds)
      if (std::find(features.begin(), features.end(), name) == features.end())
        lacking.emplace_back(name);
    if (part.name == unit.name)
      break;
  }
  return lacking;
}

std::string unitsOf(std::span<const std::string> features) {
  std::string text;
  for (const Unit &unit : kUnits)
    if (lackingFor(unit, features).empty())
      text += (text.empty() ? "" : ", ") + std::string(unit.name);
  return text;
}

bool limitLibrary(const Unit &unit, std::string &error) {
  size_t wanted = rankOf(unit.library);
  // The library reads its variable itself.
  if (rankOfUser() <= wanted)
    return true;
  auto limit = static_cast<dnnl_cpu_isa_t>(kLibraryLimits[wanted].value);
  if (dnnl_set_max_cpu_isa(limit) == dnnl_success)
    return true;
  auto used = static_cast<int>(dnnl_get_effective_cpu_isa());
  if (rankWhere([&](const LibraryLimit &other) {
        return other.value == used;
      }) <= wanted)
    return true;
  error = "oneDNN uses " + dnn::instructionsText() +
          " in this process already, expected no more than " +
          std::string(unit.library) + ": its first use decided";
  return false;
}

} // namespace marimba::rt
