//===- Memory.h - What a context takes --------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MEMORY_H
#define MARIMBA_TOOLS_LIBMARIMBA_MEMORY_H

#include "marimba/Room.h"
#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// What one sequence of a model takes at its end, in bytes. Measured by loading
/// the model and reading one piece: only keys and values grow after that.
struct MemoryNeeds {
  int64_t weights = 0;   // converted, derived
  int64_t packed = 0;    // as matmuls read them
  int64_t states = 0;    // that do not grow
  int64_t keyValues = 0; // of all tokens
  int64_t scratch = 0;   // of one piece
  /// Whatever else the process holds: the compiler, code, pages of the weights'
  /// files.
  int64_t rest = 0;

  int64_t total() const {
    return weights + packed + states + keyValues + scratch + rest;
  }
};

/// Ids of a made-up text, from token `first` of it on, all over the vocabulary.
std::vector<int32_t> scatteredIds(const mlir::marimba::ModelInfo &info,
                                  int64_t first, int64_t count);

/// For `context` tokens. Nothing and `error` on failure.
std::optional<MemoryNeeds> measureNeeds(LoadedModel &model, int64_t context,
                                        std::string &error);

using rt::availableMemory;
using rt::mebibytes;

/// As rt::checkRoom(), of a model that is not loaded yet.
bool checkRoom(const mlir::marimba::ModelInfo &info, int64_t tokens,
               int64_t sequences, std::string &error);

/// The largest resident size of the process since the last call of the other,
/// and a new start of that count (where the system allows it), in bytes.
int64_t peakResident();
void restartPeakResident();
/// The resident size now.
int64_t resident();

/// Addresses from `begin` to before `end`.
struct AddressRange {
  uint64_t begin = 0, end = 0;
  bool operator==(const AddressRange &) const = default;
};

/// The parts of `segment` that `maps`, text like that of /proc/self/maps, has
/// as read-only and as of the file that the address `inside` is of: what is
/// dropped there is read again. None where `inside` is of no file any more, as
/// of code that was moved to large pages.
std::vector<AddressRange> partsOfFile(llvm::StringRef maps,
                                      AddressRange segment, uint64_t inside);

/// Gives back what compiling took: free memory of the heap, and pages of LLVM,
/// MLIR (some 100 MiB) and this library, which are read again from their files
/// where they are needed.
void releaseCompilerMemory();

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MEMORY_H
