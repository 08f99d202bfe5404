//===- Scalar.h - Floating-point numbers as they are stored -----*- C++ -*-===//
//
// The conversions between f32, f16 and bf16, once for all of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_SCALAR_H
#define MARIMBA_FORMATS_SCALAR_H

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

namespace marimba::formats {

/// A type of stored numbers, such as the scales of a quantised matrix.
enum class Scalar { F32, F16, BF16 };

/// Bytes of one.
constexpr int64_t scalarSize(Scalar type) {
  return type == Scalar::F32 ? 4 : 2;
}
/// "F32", "F16" or "BF16", as safetensors and GGUF spell it.
std::string_view scalarName(Scalar type);
/// The inverse of scalarName; nothing where the name is none of them.
std::optional<Scalar> parseScalar(std::string_view name);

/// The number at `from`, little endian, which need not be aligned.
float loadScalar(const char *from, Scalar type);
/// Writes `value`, rounded to the nearest with ties to even.
void storeScalar(float value, Scalar type, char *to);
/// `count` numbers of `type` as f32; neither side need be aligned.
void widenScalars(const char *from, Scalar type, float *to, int64_t count);

// Loops over fromBF16, toBF16 and fromF16 become vector code: no branches.

inline float fromBF16(uint16_t half) {
  return std::bit_cast<float>(uint32_t(half) << 16);
}

/// To the nearest, ties to even.
inline uint16_t toBF16(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto rounded =
      static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  // Rounding must not make an infinity of a NaN.
  auto quiet = static_cast<uint16_t>((bits >> 16) | 0x40);
  return (bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded;
}

inline float fromF16(uint16_t half) {
  // The exponent counts from another number: a product changes it, exact for
  // denormal ones, too. All ones remain all ones.
  float scaled = std::bit_cast<float>(uint32_t(half & 0x7fff) << 13) * 0x1p112f;
  uint32_t special = (half & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | special |
                              uint32_t(half & 0x8000) << 16);
}

/// To the nearest, ties to even; what is too large becomes infinity.
uint16_t toF16(float value);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_SCALAR_H
