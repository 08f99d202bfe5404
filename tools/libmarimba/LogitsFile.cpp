//===- LogitsFile.cpp - What a model computes, to a file ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LogitsFile.h"
#include "importer/hub/Json.h"

#include "marimba/Sampler.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/Tensor.h"
#include "marimba/formats/Safetensors.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include <cstring>

using namespace marimba;
using namespace llvm;

std::string marimba::checkSplit(const LogitsRequest &request) {
  uint64_t sum = 0;
  bool positive = true;
  for (int32_t size : request.split) {
    positive &= size > 0;
    sum += size;
  }
  if (request.split.empty() || (positive && sum == request.ids.size()))
    return {};
  return ("expected sizes of at least 1 that add up to the " +
          Twine(request.ids.size()) + " ids; the sum is " + Twine(sum))
      .str();
}

/// Makes `ids` of integers of 32 bits: llvm::json cuts larger ones to that.
static bool narrowIds(ArrayRef<int64_t> wide, std::vector<int32_t> &ids,
                      json::Path path) {
  for (auto [index, id] : enumerate(wide)) {
    if (id < INT32_MIN || id > INT32_MAX) {
      path.index(index).report("expected an integer of 32 bits");
      return false;
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return true;
}

static bool mapIds(json::ObjectMapper &fields, StringLiteral name,
                   bool optional, std::vector<int32_t> &ids, json::Path path) {
  std::vector<int64_t> wide;
  return (optional ? fields.mapOptional(name, wide) : fields.map(name, wide)) &&
         narrowIds(wide, ids, path.field(name));
}

/// Reads `beside` of a request.
static bool mapBeside(json::ObjectMapper &fields, LogitsRequest &request,
                      json::Path path) {
  std::vector<std::vector<int64_t>> rows;
  if (!fields.mapOptional("beside", rows))
    return false;
  for (auto [index, row] : enumerate(rows)) {
    json::Path at = path.field("beside").index(index);
    if (!narrowIds(row, request.beside.emplace_back(), at))
      return false;
    if (row.empty()) {
      at.report("expected at least one id");
      return false;
    }
  }
  if (rows.size() >= size_t(kMostBeside))
    path.field("beside").report("expected fewer than 4096 sequences");
  else if (!rows.empty() && (!request.split.empty() || request.hidden))
    path.field("beside").report("expected neither split nor hidden with it");
  else
    return true;
  return false;
}

namespace marimba {
/// Reads one request; llvm::json finds this by its name.
static bool fromJSON(const json::Value &value, LogitsRequest &request,
                     json::Path path) {
  json::ObjectMapper fields(value, path);
  if (!fields)
    return false;
  for (const auto &[key, field] : *value.getAsObject())
    if (!is_contained({"name", "ids", "split", "greedy", "hidden", "state",
                       "beside", "load_state", "save_state"},
                      StringRef(key))) {
      path.field(key).report("no such field");
      return false;
    }
  if (!fields.mapOptional("name", request.name) ||
      !mapIds(fields, "ids", /*optional=*/false, request.ids, path) ||
      !mapIds(fields, "split", /*optional=*/true, request.split, path) ||
      !fields.mapOptional("greedy", request.greedy) ||
      !fields.mapOptional("hidden", request.hidden) ||
      !fields.mapOptional("state", request.state) ||
      !fields.mapOptional("load_state", request.loadState) ||
      !fields.mapOptional("save_state", request.saveState) ||
      !mapBeside(fields, request, path))
    return false;
  if (request.ids.empty())
    path.field("ids").report("expected at least one id");
  else if (!checkSplit(request).empty())
    path.field("split").report(
        "expected sizes of at least 1 that add up to the number of ids");
  else if (request.greedy < 0 || request.greedy > kMostGreedy)
    path.field("greedy").report("expected 0 to 1048576");
  else
    return true;
  return false;
}
} // namespace marimba

bool marimba::parseLogitsRequests(StringRef json, StringRef file,
                                  std::vector<LogitsRequest> &requests,
                                  std::string &error) {
  auto value = mlir::marimba::parseJson(
      json, file, {}, [&](const Twine &text) { error = text.str(); });
  if (mlir::failed(value))
    return false;
  json::Path::Root root("the list");
  if (!fromJSON(*value, requests, root)) {
    error = (file + ": " + toString(root.getError())).str();
    return false;
  }
  StringSet<> names;
  for (const LogitsRequest &request : requests)
    if (!names.insert(request.name).second) {
      error = (file + ": two cases are named '" + request.name + "'").str();
      return false;
    }
  if (requests.empty())
    error = (file + ": expected at least one case").str();
  return !requests.empty();
}

namespace {
/// The tensors of a file, which point into memory that lives as long.
struct Tensors {
  std::vector<formats::SafetensorsTensor> named;
  std::vector<std::shared_ptr<void>> storage;
};

/// Computes the tensors of one request.
class Recorder {
public:
  Recorder(LoadedModel &model, const LogitsRequest &request, Tensors &tensors,
           NoteFn note, std::string &error)
      : model(model), request(request), tensors(tensors), note(note),
        error(error), slot(request.beside.size() / 2) {}

  bool record() {
    session = model.makeSession(error, request.beside.size() + 1);
    return session && restore() && feedIds() && save() &&
           (!request.state || copyStates()) &&
           (request.greedy == 0 || continueGreedily());
  }

private:
  /// Takes over values of type T as a tensor of the file.
  template <typename T>
  void add(StringRef name, StringRef dtype, std::vector<int64_t> shape,
           std::vector<T> values) {
    auto owner = std::make_shared<std::vector<T>>(std::move(values));
    std::string prefix = request.name.empty() ? "" : request.name + ".";
    tensors.named.push_back(
        {prefix + name.str(), dtype.upper(), std::move(shape), owner->data()});
    tensors.storage.push_back(std::move(owner));
  }

  bool restore();
  bool feedIds();
  bool feedTogether(std::vector<std::vector<int32_t>> rows,
                    std::vector<float> &own);
  bool save();
  void placeHidden(size_t begin, size_t count, const std::vector<float> &piece);
  bool copyStates();
  void copyState(const rt::ArgSpec &spec, const MarimbaTensor &view);
  bool continueGreedily();

  LoadedModel &model;
  const LogitsRequest &request;
  Tensors &tensors;
  NoteFn note;
  std::string &error;
  std::unique_ptr<rt::Session> session;
  int32_t slot;                          // that of `ids`
  std::vector<std::vector<float>> lasts; // of every row, as `last`
  std::vector<float> last;               // logits of the last token
  std::vector<float> hidden;             // [layers + 1, L, H]
};
} // namespace

bool Recorder::restore() {
  if (request.loadState.empty())
    return true;
  std::optional<rt::SavedState> saved =
      rt::SavedState::read(request.loadState, error);
  return saved &&
         session->restore(slot, *saved, model.stateOrigin(), note, error);
}

bool Recorder::save() {
  return request.saveState.empty() ||
         session->save(slot, model.stateOrigin(), request.saveState, error,
                       /*attachment=*/{}, last);
}

/// Appends rows[i] to slot i; `own` becomes the logits [L, V] of the request's
/// row.
bool Recorder::feedTogether(std::vector<std::vector<int32_t>> rows,
                            std::vector<float> &own) {
  std::vector<float> logits;
  if (!session->forward(0, rows, rt::LogitsWanted::All, logits, error))
    return false;
  size_t vocabulary = model.info().vocabSize;
  lasts.clear();
  const float *from = logits.data();
  for (auto [index, row] : enumerate(rows)) {
    const float *end = from + row.size() * vocabulary;
    lasts.emplace_back(end - vocabulary, end);
    if (index == size_t(slot))
      own.assign(from, end);
    from = end;
  }
  last = lasts[slot];
  return true;
}

bool Recorder::feedIds() {
  int64_t length = request.ids.size(), vocabulary = model.info().vocabSize;
  if (!request.beside.empty()) {
    std::vector<std::vector<int32_t>> rows = request.beside;
    rows.insert(rows.begin() + slot, request.ids);
    std::vector<float> own;
    if (!feedTogether(std::move(rows), own))
      return false;
    add("logits", "F32", {1, length, vocabulary}, std::move(own));
    return true;
  }
  std::vector<float> logits, piece, pieceHidden;
  logits.reserve(length * vocabulary);
  size_t begin = 0;
  std::vector<int32_t> split = request.split;
  if (split.empty())
    split.push_back(length);
  for (int32_t size : split) {
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
  add("logits", "F32", {1, length, vocabulary}, std::move(logits));
  if (request.hidden) {
    int64_t width = model.info().hiddenSize;
    int64_t layers = hidden.size() / (length * width);
    add("hidden", "F32", {layers, length, width}, std::move(hidden));
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
    view->data = static_cast<char *>(view->data) +
                 slot * view->strides[0] *
                     rt::dtypeSize(static_cast<MarimbaDType>(view->dtype));
    view->sizes[0] = 1;
    copyState(spec, *view);
  }
  return true;
}

/// Copies a state row by row: it may have strides and room for more tokens.
void Recorder::copyState(const rt::ArgSpec &spec, const MarimbaTensor &view) {
  std::vector<int64_t> shape(view.sizes, view.sizes + view.rank);
  for (size_t dim = 1; dim < shape.size(); ++dim)
    if (spec.shape[dim] < 0)
      shape[dim] = std::min<int64_t>(shape[dim], session->length(slot));
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
  add(spec.name, rt::dtypeName(dtype), std::move(shape), std::move(bytes));
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
    if (request.beside.empty()) {
      if (!session->append({&token, 1}, rt::LogitsWanted::Last, last, error))
        return false;
      continue;
    }
    std::vector<std::vector<int32_t>> rows;
    for (const std::vector<float> &each : lasts)
      rows.push_back({greedy.sample(each)});
    std::vector<float> own;
    if (!feedTogether(std::move(rows), own))
      return false;
  }
  add("tokens", "I64", {1, request.greedy}, std::move(tokens));
  add("greedy_logits", "F32", {request.greedy, vocabulary}, std::move(logits));
  return true;
}

bool marimba::writeLogits(LoadedModel &model, ArrayRef<LogitsRequest> requests,
                          StringRef path, NoteFn note, std::string &error) {
  for (const LogitsRequest &request : requests)
    if (!model.checkIds(request.ids, error) ||
        !all_of(request.beside, [&](const std::vector<int32_t> &row) {
          return model.checkIds(row, error);
        }))
      return false;
  Tensors tensors;
  for (const LogitsRequest &request : requests)
    if (!Recorder(model, request, tensors, note, error).record())
      return false;
  return formats::writeSafetensors(path.str(), tensors.named, error);
}
