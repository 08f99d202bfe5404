//===- Foreign.h - Quantised matrices in another program's order *- C++ -*-===//
//
// What AutoAWQ, AutoGPTQ, compressed-tensors and the makers of fp8 checkpoints
// store of a matrix: whole tensors, not blocks. Foreign.cpp lists them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_FOREIGN_H
#define MARIMBA_FORMATS_FOREIGN_H

#include <cstdint>
#include <span>
#include <string_view>

namespace marimba::formats {

/// The sizes of a tensor that becomes a part of a matrix of ours.
struct ForeignShape {
  int64_t channels = 0; // of the matrix
  /// Words of codes, or groups, of a channel; of an order, inputs.
  int64_t depth = 0;
  /// Channels and groups that share a stored scale: a block of fp8 is one of
  /// 128 channels and 128 inputs.
  int64_t channelsEach = 1, groupsEach = 1;

  int64_t storedChannels() const {
    return (channels + channelsEach - 1) / channelsEach;
  }
  int64_t storedGroups() const { return (depth + groupsEach - 1) / groupsEach; }
  bool operator==(const ForeignShape &) const = default;
};

/// How a tensor of another program becomes a part of a matrix. None of these
/// reads or writes beyond the sizes given, whatever the contents.
struct ForeignPart {
  std::string_view name; // by which packages know it
  int64_t elementBytes;  // of what is made; of codes, 1
  int rank;              // of what is made: codes 4, an order 1, all others 3
  /// Bytes of the stored tensor; below 0 where it cannot have that shape.
  int64_t (*bytes)(const ForeignShape &shape);
  /// Bytes of the other tensor that it may be made with (an order of inputs, a
  /// scale of scales); null where there is none.
  int64_t (*otherBytes)(const ForeignShape &shape) = nullptr;
  bool needsOther = false;
  /// Whether the numbers of eight channels follow each other: then rows can be
  /// cut off.
  bool byChannel = false;
  /// Writes the whole part to `to`, which is zeroed. `other` may be null.
  void (*repack)(const ForeignShape &shape, const char *from, const char *other,
                 char *to) = nullptr;
};

std::span<const ForeignPart> foreignParts();
/// Null where the name is none of them.
const ForeignPart *findForeignPart(std::string_view name);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_FOREIGN_H
