//===- LogitsFile.cpp - What a model computes, to a file ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LogitsFile.h"

#include "marimba/SafetensorsWriter.h"
#include "marimba/Sampler.h"
#include "marimba/Session.h"
#include "marimba/Tensor.h"
#include <cstring>

using namespace marimba;
using namespace llvm;

namespace {
/// Computes the tensors one after another and keeps them.
class Recorder {
public:
  Recorder(LoadedModel &model, const LogitsRequest &request, std::string &error)
      : model(model), request(request), error(error) {}

  bool record() {
    session = model.makeSession(error);
    return session && feedIds() && (!request.state || copyStates()) &&
           (request.greedy == 0 || continueGreedily());
  }

  const std::vector<rt::NamedTensor> &tensors() const { return named; }

private:
  /// Takes over values of type T as a tensor of the file.
  template <typename T>
  void add(std::string name, MarimbaDType dtype, std::vector<int64_t> shape,
           std::vector<T> values) {
    auto owner = std::make_shared<std::vector<T>>(std::move(values));
    named.push_back({std::move(name), dtype, std::move(shape), owner->data()});
    storage.push_back(std::move(owner));
  }

  bool feedIds();
  void placeHidden(size_t begin, size_t count, const std::vector<float> &piece);
  bool copyStates();
  void copyState(const rt::ArgSpec &spec, const MarimbaTensor &view);
  bool continueGreedily();

  LoadedModel &model;
  const LogitsRequest &request;
  std::string &error;
  std::unique_ptr<rt::Session> session;
  std::vector<float> last;                    // logits of the last token
  std::vector<float> hidden;                  // [layers + 1, L, H]
  std::vector<std::shared_ptr<void>> storage; // what `named` points into
  std::vector<rt::NamedTensor> named;
};
} // namespace

bool Recorder::feedIds() {
  int64_t length = request.ids.size(), vocabulary = model.info().vocabSize;
  std::vector<float> logits, piece, pieceHidden;
  logits.reserve(length * vocabulary);
  size_t begin = 0;
  for (int32_t size : request.split) {
    std::vector<int32_t> row(request.ids.begin() + begin,
                             request.ids.begin() + begin + size);
    if (!session->forward(0, {&row, 1}, rt::LogitsWanted::All, piece, error,
                          request.hidden ? &pieceHidden : nullptr))
      return false;
    logits.insert(logits.end(), piece.begin(), piece.end());
    if (request.hidden)
      placeHidden(begin, size, pieceHidden);
    begin += size;
  }
  last.assign(logits.end() - vocabulary, logits.end());
  add("logits", MARIMBA_F32, {1, length, vocabulary}, std::move(logits));
  if (request.hidden) {
    int64_t width = model.info().hiddenSize;
    int64_t layers = hidden.size() / (length * width);
    add("hidden", MARIMBA_F32, {layers, length, width}, std::move(hidden));
  }
  return true;
}

/// Puts [layers, count, H] where it belongs in [layers, L, H].
void Recorder::placeHidden(size_t begin, size_t count,
                           const std::vector<float> &piece) {
  size_t length = request.ids.size(), width = model.info().hiddenSize;
  size_t layers = piece.size() / (count * width);
  hidden.resize(layers * length * width);
  for (size_t layer = 0; layer < layers; ++layer)
    std::memcpy(hidden.data() + (layer * length + begin) * width,
                piece.data() + layer * count * width,
                count * width * sizeof(float));
}

bool Recorder::copyStates() {
  for (const rt::ArgSpec &spec : session->model().description().states()) {
    std::optional<MarimbaTensor> view = session->state(spec.name);
    if (!view) {
      error = "the session has no state '" + spec.name + "'";
      return false;
    }
    copyState(spec, *view);
  }
  return true;
}

/// Copies a state row by row: it may have strides and room for more tokens.
void Recorder::copyState(const rt::ArgSpec &spec, const MarimbaTensor &view) {
  std::vector<int64_t> shape(view.sizes, view.sizes + view.rank);
  for (size_t dim = 1; dim < shape.size(); ++dim)
    if (spec.shape[dim] < 0)
      shape[dim] = std::min<int64_t>(shape[dim], session->length(0));
  auto dtype = static_cast<MarimbaDType>(view.dtype);
  int64_t elementBytes = rt::dtypeSize(dtype);
  int64_t rowBytes = shape.back() * elementBytes;
  int64_t rows = 1;
  for (int64_t size : ArrayRef(shape).drop_back())
    rows *= size;
  std::vector<char> bytes(rows * rowBytes);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t rest = row, offset = 0;
    for (int dim = view.rank - 2; dim >= 0; --dim) {
      offset += rest % shape[dim] * view.strides[dim];
      rest /= shape[dim];
    }
    std::memcpy(bytes.data() + row * rowBytes,
                static_cast<const char *>(view.data) + offset * elementBytes,
                rowBytes);
  }
  add(spec.name, dtype, std::move(shape), std::move(bytes));
}

bool Recorder::continueGreedily() {
  rt::Sampler greedy({});
  int64_t vocabulary = model.info().vocabSize;
  std::vector<int64_t> tokens;
  std::vector<float> logits;
  for (;;) {
    int32_t token = greedy.sample(last);
    tokens.push_back(token);
    logits.insert(logits.end(), last.begin(), last.end());
    if (static_cast<int64_t>(tokens.size()) == request.greedy)
      break;
    if (!session->append({&token, 1}, rt::LogitsWanted::Last, last, error))
      return false;
  }
  add("tokens", MARIMBA_I64, {1, request.greedy}, std::move(tokens));
  add("greedy_logits", MARIMBA_F32, {request.greedy, vocabulary},
      std::move(logits));
  return true;
}

bool marimba::writeLogits(LoadedModel &model, const LogitsRequest &request,
                          StringRef path, std::string &error) {
  if (!model.checkIds(request.ids, error))
    return false;
  Recorder recorder(model, request, error);
  return recorder.record() &&
         rt::writeSafetensors(path.str(), recorder.tensors(), error);
}
