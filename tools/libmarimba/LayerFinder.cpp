//===- LayerFinder.cpp - Which layer overflows ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LayerFinder.h"
#include "tools/libmarimba/Memory.h"

#include "marimba/Session.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace marimba;
using namespace llvm;

/// What stands before layer `index` and behind the last one, in words.
static std::string nameOf(const mlir::marimba::ModelInfo &info, size_t index) {
  if (index == 0)
    return "the embedding of a token is not finite";
  return ("layer " + Twine(index - 1) + " (" + info.layerKinds[index - 1] +
          ") is the first whose output is not finite")
      .str();
}

std::string marimba::findBadLayer(const std::string &modelDir,
                                  const LoadOptions &options,
                                  ArrayRef<int32_t> ids) {
  LoadOptions load = options;
  load.compile.import.collectHidden = true;
  load.compile.dumpDir.clear();
  load.compile.remarks = false;
  std::string ignored;
  std::unique_ptr<LoadedModel> model;
  {
    std::unique_ptr<Compilation> described =
        Compilation::createFromModel(modelDir, load.compile, ignored);
    std::optional<int64_t> available = availableMemory();
    // Converted or packed, they take twice their size at most.
    if (!described ||
        (available &&
         *available / 2 <
             static_cast<int64_t>(described->imported()->info.weightBytes)))
      return {};
  }
  model = LoadedModel::load(modelDir, load, ignored);
  if (!model)
    return {};
  std::unique_ptr<rt::Session> session = model->makeSession(ignored);
  if (!session)
    return {};
  auto width = static_cast<size_t>(model->info().hiddenSize);
  size_t layers = model->info().layerKinds.size() + 1;
  std::vector<float> none, hidden;
  for (ArrayRef<int32_t> rest = ids; !rest.empty();) {
    ArrayRef<int32_t> piece =
        rest.take_front(static_cast<size_t>(model->chunk()));
    rest = rest.drop_front(piece.size());
    std::vector<int32_t> row(piece.begin(), piece.end());
    if (!session->forward(0, {&row, 1}, rt::LogitsWanted::None, none, ignored,
                          &hidden) ||
        hidden.size() != layers * row.size() * width)
      return {};
    // The first token that has one, and of it the first layer: what a token
    // passes on, later ones get.
    for (size_t token = 0; token < row.size(); ++token)
      for (size_t layer = 0; layer < layers; ++layer)
        if (any_of(ArrayRef(hidden).slice((layer * row.size() + token) * width,
                                          width),
                   [](float value) { return !std::isfinite(value); }))
          return nameOf(model->info(), layer);
  }
  return "all layers are finite, so the final norm or the output head is not";
}
