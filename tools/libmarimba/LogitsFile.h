//===- LogitsFile.h - What a model computes, to a file ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H
#define MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// Greedy tokens of one request: their logits are in memory together.
inline constexpr int64_t kMostGreedy = 1 << 20;

/// Sequences that are computed together.
inline constexpr int64_t kMostBeside = 4096;

/// What to compute of one sequence.
struct LogitsRequest {
  /// Stands before the names of its tensors: `<name>.logits`; may be empty.
  std::string name;
  std::vector<int32_t> ids;
  /// Sizes of the pieces in which the ids are fed; empty for one piece.
  std::vector<int32_t> split;
  /// Tokens to add greedily, end of text or not.
  int64_t greedy = 0;
  /// Whether hidden states are written, too; the model must have been compiled
  /// with ImportOptions::collectHidden.
  bool hidden = false;
  /// Whether the states after `ids` are written, too.
  bool state = false;
  /// Ids of other sequences that are computed in the same calls, in slots
  /// before and after; greedy tokens are added to them, too. Not with `split`
  /// and `hidden`.
  std::vector<std::vector<int32_t>> beside;
  /// Files of saved sessions: the one in front of `ids`, empty for the empty
  /// state, and the one to write after them.
  std::string loadState, saveState;
};

/// What is wrong with `request.split`; empty where nothing is.
std::string checkSplit(const LogitsRequest &request);

/// Reads an array of objects with the fields of LogitsRequest, of which `ids`
/// alone is required. On failure returns false and sets `error`.
bool parseLogitsRequests(llvm::StringRef json, llvm::StringRef file,
                         std::vector<LogitsRequest> &requests,
                         std::string &error);

/// Runs the ids of every request through the model, in order, each from a state
/// of its own, and writes a safetensors file with
///
///   logits         f32 [1, L, V]
///   hidden         f32 [layers + 1, L, H]
///   <state>        [1, ...], sizes that grow with tokens cut to their number
///   tokens         i64 [1, greedy]
///   greedy_logits  f32 [greedy, V]: row i is what token i was chosen from
///
/// `note` hears what saved sessions have to say. Returns false and sets `error`
/// on failure; then there is no file.
bool writeLogits(LoadedModel &model, llvm::ArrayRef<LogitsRequest> requests,
                 llvm::StringRef path, NoteFn note, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LOGITSFILE_H
