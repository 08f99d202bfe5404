//===- ReadyModel.h - A model that sessions can be made of ------*- C++ -*-===//
//
// What every way of loading a model ends in, whoever compiled it and when.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_READYMODEL_H
#define MARIMBA_RUNTIME_READYMODEL_H

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace marimba::rt {

class Model;
class Session;
struct StateOrigin;

/// What was known of a model when it was compiled and is needed to run it.
struct ModelFacts {
  std::string name;
  /// The tokens that end a text.
  std::vector<int32_t> endIds;
  /// Size of the thread team that the code was compiled for, at least 1.
  int32_t threads = 1;
  /// Digests and arithmetic, as in StateOrigin.
  std::string configuration, meaning;
  std::vector<std::pair<std::string, std::string>> arithmetic;
};

/// What a sequence takes in memory: whatever its length, and of each token.
struct SequenceBytes {
  int64_t fixed = 0, perToken = 0;
};

/// Code, weights and description of one model in this process. Immutable:
/// sessions of it may be made and used by several threads.
class ReadyModel {
public:
  /// `chunk`: tokens that one call of compiled code takes at most; scratch
  /// memory is for so many, however long a prompt is.
  ReadyModel(ModelFacts facts, std::shared_ptr<const Model> model,
             int64_t chunk);

  /// `slots` sequences of its own with empty states; null and `error` where
  /// memory is short.
  std::unique_ptr<Session> makeSession(std::string &error,
                                       int32_t slots = 1) const;

  /// What a saved state must fit, and how one is made here. Reads samples of
  /// the weights.
  StateOrigin stateOrigin() const;

  /// Whether all ids are in the vocabulary; sets `error` where not.
  bool checkIds(std::span<const int32_t> ids, std::string &error) const;

  const std::string &name() const { return known.name; }
  /// Logits after a token.
  int64_t vocabulary() const;
  SequenceBytes sequenceBytes() const;
  const std::vector<int32_t> &endIds() const { return known.endIds; }
  int64_t chunk() const { return chunkTokens; }
  /// Size of the team that its calls run on.
  int32_t threads() const { return known.threads; }
  /// Its code, weights and packed weights.
  const Model &parts() const { return *model; }

private:
  ModelFacts known;
  std::shared_ptr<const Model> model;
  int64_t chunkTokens;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_READYMODEL_H
