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

/// A type of stored numbers, such as the scales of a quantised matrix. E8M0 is
/// an exponent alone: 2^(e - 127). Of E4M3 (OCP 8-bit floating point), where it
/// is a scale, the sign is not used, and 0x7f, which is no number, is 0, as
/// ggml has it.
enum class Scalar { F32, F16, BF16, E8M0, E4M3 };

/// Bytes of one.
constexpr int64_t scalarSize(Scalar type) {
  switch (type) {
  case Scalar::F32:
    return 4;
  case Scalar::F16:
  case Scalar::BF16:
    return 2;
  case Scalar::E8M0:
  case Scalar::E4M3:
    return 1;
  }
  return 0;
}
/// "F32", "F16", "BF16", "F8_E8M0" or "F8_E4M3", as safetensors spells it.
std::string_view scalarName(Scalar type);
/// The inverse of scalarName; nothing where the name is none of them.
std::optional<Scalar> parseScalar(std::string_view name);

/// The number at `from`, little endian, which need not be aligned.
float loadScalar(const char *from, Scalar type);
/// Writes `value`, rounded to the nearest with ties to even, as F32, F16 or
/// BF16.
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

/// 2^(e - 128), half of what E8M0 stands for: the largest has an f32, too.
inline float halfOfE8M0(uint8_t exponent) {
  uint32_t bits = exponent < 2 ? uint32_t(0x00200000) << exponent
                               : uint32_t(exponent - 1) << 23;
  return std::bit_cast<float>(bits);
}

/// A number with its sign; 0x7f and 0xff are NaN.
inline float fromE4M3(uint8_t byte) {
  // As fromF16: another bias of the exponent, exact for denormal ones, too.
  float scaled = std::bit_cast<float>(uint32_t(byte & 0x7f) << 20) * 0x1p120f;
  uint32_t bits = std::bit_cast<uint32_t>(scaled);
  if ((byte & 0x7f) == 0x7f)
    bits = 0x7fc00000;
  return std::bit_cast<float>(bits | uint32_t(byte & 0x80) << 24);
}
/// The same as a scale (Scalar::E4M3).
inline float fromE4M3Scale(uint8_t byte) {
  byte &= 0x7f;
  return byte == 0x7f ? 0 : fromE4M3(byte);
}

/// To the nearest, ties to even; what is too large becomes infinity.
uint16_t toF16(float value);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_SCALAR_H
