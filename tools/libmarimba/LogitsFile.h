//===- LogitsFile.h - What a model computes, to a file ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H
#define MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// What to compute of one sequence.
struct LogitsRequest {
  std::vector<int32_t> ids;
  /// Sizes of the pieces in which the ids are fed; their sum is the ids'.
  std::vector<int32_t> split;
  /// Tokens to add greedily, end of text or not.
  int64_t greedy = 0;
  /// Whether hidden states are written, too; the model must have been compiled
  /// with ImportOptions::collectHidden.
  bool hidden = false;
  /// Whether the states after `ids` are written, too.
  bool state = false;
};

/// Runs the ids through the model from an empty state and writes a safetensors
/// file with
///
///   logits         f32 [1, L, V]
///   hidden         f32 [layers + 1, L, H]
///   <state>        [1, ...], sizes that grow with tokens cut to L
///   tokens         i64 [1, greedy]
///   greedy_logits  f32 [greedy, V]: row i is what token i was chosen from
///
/// Returns false and sets `error` on failure; then there is no file.
bool writeLogits(LoadedModel &model, const LogitsRequest &request,
                 llvm::StringRef path, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H
