//===- ReadyModel.cpp - A model that sessions can be made of --------------===//

#include "marimba/ReadyModel.h"

#include "marimba/Model.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/Tensor.h"

namespace marimba::rt {

ReadyModel::ReadyModel(ModelFacts facts, std::shared_ptr<const Model> model,
                       int64_t chunk)
    : known(std::move(facts)), model(std::move(model)), chunkTokens(chunk) {}

std::unique_ptr<Session> ReadyModel::makeSession(std::string &error,
                                                 int32_t slots) const {
  SessionOptions options;
  options.slots = slots;
  options.threads = known.threads;
  options.chunk = static_cast<int32_t>(chunkTokens);
  return Session::create(model, options, error);
}

StateOrigin ReadyModel::stateOrigin() const {
  return {known.name, fingerprint(model->weights()), known.configuration,
          known.meaning, known.arithmetic};
}

bool ReadyModel::checkIds(std::span<const int32_t> ids,
                          std::string &error) const {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary())
      continue;
    error = "token id " + std::to_string(ids[i]) + " (number " +
            std::to_string(i + 1) + " of " + std::to_string(ids.size()) +
            ") is out of range: " + known.name + " has a vocabulary of " +
            std::to_string(vocabulary());
    return false;
  }
  return true;
}

int64_t ReadyModel::vocabulary() const {
  return model->description().vocabulary;
}

SequenceBytes ReadyModel::sequenceBytes() const {
  SequenceBytes sum;
  for (const ArgSpec &state : model->description().states()) {
    // The first size is that of the slots; another without a number, tokens.
    int64_t bytes = dtypeSize(state.dtype);
    bool grows = false;
    for (size_t i = 1; i < state.shape.size(); ++i) {
      grows = grows || state.shape[i] < 0;
      bytes *= state.shape[i] < 0 ? 1 : state.shape[i];
    }
    (grows ? sum.perToken : sum.fixed) += bytes;
  }
  return sum;
}

} // namespace marimba::rt
