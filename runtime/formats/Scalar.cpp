//===- Scalar.cpp - Floating-point numbers as they are stored -------------===//

#include "marimba/formats/Scalar.h"

#include <cstring>

namespace marimba::formats {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian numbers");

std::string_view scalarName(Scalar type) {
  switch (type) {
  case Scalar::F32:
    return "F32";
  case Scalar::F16:
    return "F16";
  case Scalar::BF16:
    return "BF16";
  case Scalar::E8M0:
    return "F8_E8M0";
  case Scalar::E4M3:
    return "F8_E4M3";
  }
  return {};
}

std::optional<Scalar> parseScalar(std::string_view name) {
  for (Scalar type :
       {Scalar::F32, Scalar::F16, Scalar::BF16, Scalar::E8M0, Scalar::E4M3})
    if (scalarName(type) == name)
      return type;
  return std::nullopt;
}

uint16_t toF16(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t size = bits & 0x7fffffff;
  auto result = [&](uint32_t magnitude) {
    return static_cast<uint16_t>(sign | magnitude);
  };
  if (size > 0x7f800000)
    return result(0x7e00 | (size >> 13 & 0x3ff));
  if (size >= 0x477ff000) // 65520 is nearest to 65536
    return result(0x7c00);
  // Denormal: multiples of 2^-24, which is what the last bit of 0.5 counts.
  if (size < 0x38800000)
    return result(std::bit_cast<uint32_t>(std::bit_cast<float>(size) + 0.5F) -
                  std::bit_cast<uint32_t>(0.5F));
  size += 0xfff + (size >> 13 & 1);
  return result((size >> 13) - (uint32_t(127 - 15) << 10));
}

float loadScalar(const char *from, Scalar type) {
  float value = 0;
  widenScalars(from, type, &value, 1);
  return value;
}

void storeScalar(float value, Scalar type, char *to) {
  if (type == Scalar::F32) {
    std::memcpy(to, &value, sizeof(value));
    return;
  }
  uint16_t bits = type == Scalar::F16 ? toF16(value) : toBF16(value);
  std::memcpy(to, &bits, sizeof(bits));
}

template <float (*convert)(uint16_t)>
static void widenHalves(const char *from, float *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, from + i * int64_t(sizeof(bits)), sizeof(bits));
    to[i] = convert(bits);
  }
}

void widenScalars(const char *from, Scalar type, float *to, int64_t count) {
  switch (type) {
  case Scalar::F32:
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
    return;
  case Scalar::F16:
    return widenHalves<fromF16>(from, to, count);
  case Scalar::BF16:
    return widenHalves<fromBF16>(from, to, count);
  case Scalar::E8M0:
  case Scalar::E4M3:
    for (int64_t i = 0; i < count; ++i) {
      auto byte = static_cast<uint8_t>(from[i]);
      to[i] = type == Scalar::E8M0 ? 2 * halfOfE8M0(byte) : fromE4M3Scale(byte);
    }
    return;
  }
}

} // namespace marimba::formats
