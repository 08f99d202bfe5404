//===- QuantFormat.h - How quantised matrices are stored --------*- C++ -*-===//
//
// Part of Marimba. docs/quantization.md specifies the layout.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTFORMAT_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTFORMAT_H

#include <cstdint>
#include <string>
#include <vector>

namespace marimba {

/// Output channels that stand beside each other in memory.
constexpr int64_t kQuantChannels = 64;

/// What scales are stored as.
enum class ScaleType { BF16, F16, F32 };

/// How codes are found: by rounding to the nearest of a scale that the largest
/// weight decides, or with the scale of the smallest error.
enum class QuantMethod { Nearest, Search };

/// The format of a matrix [N,K] of N output channels.
struct QuantFormat {
  int bits = 4;           // 8 or 4
  int64_t group = 64;     // inputs that share a scale; 0: all of a channel
  bool zeroPoint = false; // of 4 bits only
  ScaleType scales = ScaleType::BF16;

  /// The smallest and the largest code less its zero point, where there is none
  /// of the group's own.
  int lowest() const { return bits == 8 ? -127 : -8; }
  int highest() const { return bits == 8 ? 127 : 7; }

  /// K with its padding.
  int64_t paddedInputs(int64_t k) const;
  /// Inputs that share a scale, and how often they do.
  int64_t groupSize(int64_t k) const { return group ? group : paddedInputs(k); }
  int64_t groups(int64_t k) const { return paddedInputs(k) / groupSize(k); }

  // Bytes of kQuantChannels channels.
  uint64_t codeBytes(int64_t k) const;
  uint64_t scaleBytes(int64_t k) const;
  uint64_t zeroBytes(int64_t k) const;
};

/// Blocks of kQuantChannels that N channels take.
int64_t quantBlocks(int64_t n);

/// One of the tensors that a quantised matrix is stored as.
struct QuantTensor {
  std::string suffix; // behind the matrix's name: ".codes"
  std::string dtype;  // as safetensors spells it
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// The tensors of a matrix [n,k] in their order.
std::vector<QuantTensor> quantTensors(const QuantFormat &format, int64_t n,
                                      int64_t k);

/// A matrix in its stored form; the vectors are the bytes of the tensors.
struct QuantizedMatrix {
  std::vector<uint8_t> codes, scales, zeros;
  // Sums over all weights w, where w' is what is stored instead.
  double error = 0;  // of (w - w')^2
  double energy = 0; // of w^2
};

/// What `matrix` stands for, [n,k].
std::vector<float> dequantizeMatrix(const QuantizedMatrix &matrix, int64_t n,
                                    int64_t k, const QuantFormat &format);

/// The value of a scale as it is stored; `value` must be one (see roundScale of
/// QuantLanes.h).
void storeScale(float value, ScaleType type, uint8_t *to);
float loadScale(const uint8_t *from, ScaleType type);
int64_t scaleSize(ScaleType type);

/// f16 to f32.
float widenHalf(uint16_t bits);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTFORMAT_H
