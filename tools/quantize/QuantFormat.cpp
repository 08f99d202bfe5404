//===- QuantFormat.cpp - How quantised matrices are stored ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantFormat.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

using namespace marimba;
using namespace llvm;
using namespace llvm::support;

int64_t QuantFormat::paddedInputs(int64_t k) const {
  return alignTo(k, std::max<int64_t>(64, group));
}

uint64_t QuantFormat::codeBytes(int64_t k) const {
  return paddedInputs(k) * kQuantChannels * bits / 8;
}

uint64_t QuantFormat::scaleBytes(int64_t k) const {
  return groups(k) * kQuantChannels * scaleSize(scales);
}

uint64_t QuantFormat::zeroBytes(int64_t k) const {
  return zeroPoint ? groups(k) * kQuantChannels : 0;
}

int64_t marimba::quantBlocks(int64_t n) {
  return divideCeil(n, kQuantChannels);
}

int64_t marimba::scaleSize(ScaleType type) {
  return type == ScaleType::F32 ? 4 : 2;
}

static std::string scaleDtype(ScaleType type) {
  switch (type) {
  case ScaleType::BF16:
    return "BF16";
  case ScaleType::F16:
    return "F16";
  case ScaleType::F32:
    return "F32";
  }
  llvm_unreachable("unknown type of scales");
}

std::vector<QuantTensor> marimba::quantTensors(const QuantFormat &format,
                                               int64_t n, int64_t k) {
  int64_t blocks = quantBlocks(n);
  // A word of four bytes of each channel: 4 codes of 8 bits or 8 of 4.
  int64_t words = format.paddedInputs(k) * format.bits / 32;
  std::vector<int64_t> perGroup{blocks, format.groups(k), kQuantChannels};
  std::vector<QuantTensor> tensors{{".codes",
                                    format.bits == 8 ? "I8" : "U8",
                                    {blocks, words, kQuantChannels, 4},
                                    blocks * format.codeBytes(k)},
                                   {".scales", scaleDtype(format.scales),
                                    perGroup, blocks * format.scaleBytes(k)}};
  if (format.zeroPoint)
    tensors.push_back({".zeros", "U8", perGroup, blocks * format.zeroBytes(k)});
  return tensors;
}

float marimba::widenHalf(uint16_t bits) {
  // Exponents differ by 112; multiplied, denormals come right, too.
  float value = bit_cast<float>(uint32_t(bits & 0x7fff) << 13) * 0x1p112f;
  auto wide = bit_cast<uint32_t>(value);
  if (value >= 65536.0f)
    wide |= 0x7f800000; // infinity or NaN
  return bit_cast<float>(wide | uint32_t(bits & 0x8000) << 16);
}

/// The bits of an f16 that `value` is exactly.
static uint16_t halfBits(float value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  float size = std::fabs(value);
  if (size == 0)
    return sign;
  int exponent = std::max(std::ilogb(size), -14);
  auto fraction = static_cast<int>(std::ldexp(size, 10 - exponent));
  // A normal number's leading bit counts one exponent up.
  return sign | (((exponent + 14) << 10) + fraction);
}

void marimba::storeScale(float value, ScaleType type, uint8_t *to) {
  if (type == ScaleType::F32)
    endian::write32le(to, bit_cast<uint32_t>(value));
  else if (type == ScaleType::BF16)
    endian::write16le(to, bit_cast<uint32_t>(value) >> 16);
  else
    endian::write16le(to, halfBits(value));
}

float marimba::loadScale(const uint8_t *from, ScaleType type) {
  if (type == ScaleType::F32)
    return bit_cast<float>(endian::read32le(from));
  if (type == ScaleType::BF16)
    return bit_cast<float>(uint32_t(endian::read16le(from)) << 16);
  return widenHalf(endian::read16le(from));
}

std::vector<float> marimba::dequantizeMatrix(const QuantizedMatrix &matrix,
                                             int64_t n, int64_t k,
                                             const QuantFormat &format) {
  std::vector<float> rows(n * k);
  int64_t group = format.groupSize(k), groups = format.groups(k);
  for (int64_t channel = 0; channel < n; ++channel) {
    int64_t block = channel / kQuantChannels, lane = channel % kQuantChannels;
    const uint8_t *codes = matrix.codes.data() + block * format.codeBytes(k);
    for (int64_t input = 0; input < k; ++input) {
      int64_t at = (block * groups + input / group) * kQuantChannels + lane;
      int code = 0;
      if (format.bits == 8) {
        code = static_cast<int8_t>(
            codes[(input / 4 * kQuantChannels + lane) * 4 + input % 4]);
      } else {
        int byte = codes[(input / 8 * kQuantChannels + lane) * 4 + input % 4];
        code = input % 8 < 4 ? byte & 15 : byte >> 4;
        code -= format.zeroPoint ? matrix.zeros[at] : 8;
      }
      float scale = loadScale(
          matrix.scales.data() + at * scaleSize(format.scales), format.scales);
      rows[channel * k + input] = float(code) * scale;
    }
  }
  return rows;
}
