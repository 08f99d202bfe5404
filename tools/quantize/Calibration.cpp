//===- Calibration.cpp - What projections multiply, of a text -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/Calibration.h"

#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFiles.h"

#include "marimba/Session.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <map>
#include <numeric>

using namespace marimba;
using namespace llvm;
using mlir::marimba::ProjectionInput;

/// Tokens that see each other.
static constexpr int64_t kWindow = 2048;
/// Fewer say too little of any input.
static constexpr int64_t kFewestTokens = 256;
/// Of the inputs of the tokens of one call.
static constexpr uint64_t kPieceBytes = uint64_t(256) << 20;

// Where the progress stands when the model has been loaded.
static constexpr double kLoaded = 0.1;

void Calibration::allocate(ArrayRef<ProjectionInput> inputs,
                           function_ref<bool(StringRef)> wanted,
                           uint64_t bytes) {
  // Gate and up share their columns; a block that layers share has columns in
  // each of them.
  StringMap<std::vector<int64_t>> columnsOf;
  for (const ProjectionInput &input : inputs) {
    columns = std::max(columns, input.begin + input.size);
    if (wanted(input.weight))
      columnsOf[input.weight].push_back(input.begin);
  }
  std::map<std::vector<int64_t>, int64_t> sizes;
  for (const ProjectionInput &input : inputs)
    if (wanted(input.weight))
      sizes[columnsOf[input.weight]] = input.size;
  std::vector<int64_t> sizeOf;
  for (const auto &[begin, size] : sizes) {
    begins.push_back(begin);
    sizeOf.push_back(size);
  }
  std::vector<size_t> order(begins.size());
  std::iota(order.begin(), order.end(), 0);
  sort(order, [&](size_t a, size_t b) {
    return std::pair(sizeOf[a], a) < std::pair(sizeOf[b], b);
  });
  std::vector<bool> whole(begins.size());
  uint64_t taken = 0;
  for (size_t i : order) {
    taken += GramMatrix::bytesOf(sizeOf[i]);
    whole[i] = taken <= bytes;
  }
  for (auto [i, size] : enumerate(sizeOf))
    moments.emplace_back(size, /*diagonalOnly=*/!whole[i]);
  for (const auto &[weight, found] : columnsOf)
    byWeight[weight] = lower_bound(begins, found) - begins.begin();
}

bool Calibration::run(LoadedModel &model, ArrayRef<int32_t> ids,
                      ProgressFn progress, function_ref<bool()> goOn,
                      std::string &error) {
  std::unique_ptr<rt::Session> session = model.makeSession(error);
  if (!session || !session->reserve(kWindow, error))
    return false;
  std::vector<float> logits, inputs;
  while (!ids.empty()) {
    if (seen % kWindow == 0)
      session->reset(0);
    // Pieces end where windows do.
    int64_t count = std::min<int64_t>(
        {model.chunk(), int64_t(ids.size()), kWindow - seen % kWindow});
    std::vector<int32_t> piece(ids.begin(), ids.begin() + count);
    if (!session->forward(0, {&piece, 1}, rt::LogitsWanted::None, logits, error,
                          &inputs))
      return false;
    for (auto [places, moment] : zip_equal(begins, moments))
      for (int64_t begin : places)
        moment.add(inputs.data() + begin, count, columns);
    ids = ids.drop_front(count);
    seen += count;
    double done = double(seen) / double(seen + int64_t(ids.size()));
    if (progress)
      progress(kLoaded + (1 - kLoaded) * done, "calibration");
    if (!goOn())
      return false;
  }
  return true;
}

std::unique_ptr<Calibration>
Calibration::measure(StringRef modelDir, const CalibrateOptions &options,
                     function_ref<bool(StringRef)> wanted, ProgressFn progress,
                     function_ref<bool()> goOn, std::string &error) {
  std::unique_ptr<rt::Tokenizer> tokenizer = loadTokenizer(modelDir, error);
  if (!tokenizer)
    return nullptr;
  std::vector<int32_t> ids = tokenizer->encode(options.text, true, &error);
  if (!error.empty())
    return nullptr;
  ids.resize(std::min<size_t>(ids.size(), options.tokens));
  if (int64_t(ids.size()) < kFewestTokens) {
    error =
        (options.file + ": has " + Twine(ids.size()) +
         " tokens to calibrate with, expected at least " + Twine(kFewestTokens))
            .str();
    return nullptr;
  }

  LoadOptions load;
  load.compile.import.collectInputs = true;
  // How wide the inputs are together decides how many tokens go at a time.
  std::unique_ptr<Compilation> described =
      Compilation::createFromModel(modelDir, load.compile, error);
  if (!described)
    return nullptr;
  std::unique_ptr<Calibration> result(new Calibration());
  result->allocate(described->imported()->inputs, wanted, options.bytes);
  described.reset();
  load.chunk = std::clamp<int64_t>(
      kPieceBytes / (sizeof(float) * result->columns), 16, 512);
  std::unique_ptr<LoadedModel> model = LoadedModel::load(
      modelDir, load, error,
      [&](double fraction, StringRef what) {
        if (progress)
          progress(kLoaded * fraction, what);
      },
      {}, goOn);
  if (!model || !model->checkIds(ids, error) ||
      !result->run(*model, ids, progress, goOn, error))
    return nullptr;
  return result;
}
