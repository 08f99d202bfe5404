//===- StateFile.cpp - Sequences to disk and back -------------------------===//
//
// The payload is the ids of the tokens (i32), then every state of the header,
// then the logits after the last token (f32), where there are any, each from a
// multiple of 64 on; gaps are zeros. All offsets follow from the header's
// shapes.
//
//===----------------------------------------------------------------------===//

#include "FileHeader.h"
#include "StatePool.h"
#include "marimba/InputFile.h"
#include "marimba/NewFile.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"

#include <cstring>
#include <limits>

namespace marimba::rt {

using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "MRBSTAT1";
constexpr uint64_t kAlignment = 64;

/// Places things behind each other.
class Layout {
public:
  /// The offset of the next `count` elements; nothing where it is beyond 2^63.
  std::optional<uint64_t> add(std::span<const int64_t> shape,
                              MarimbaDType dtype, uint64_t &bytes) {
    std::optional<int64_t> count = elementCount(shape);
    uint64_t offset = end;
    if (!count ||
        __builtin_mul_overflow(uint64_t(*count), uint64_t(dtypeSize(dtype)),
                               &bytes) ||
        !header::roundUp(offset, kAlignment) ||
        __builtin_add_overflow(offset, bytes, &end) || end > INT64_MAX)
      return std::nullopt;
    return offset;
  }
  uint64_t size() const { return end; }

private:
  uint64_t end = 0;
};

/// All of a header. `checksum` has the digits of one.
Json describe(const StateOrigin &origin, int64_t tokens,
              std::span<const TensorSpec> states, size_t logits,
              const std::string &attachment, const std::string &checksum) {
  Json arithmetic = Json::array(), list = Json::array();
  for (const auto &[name, value] : origin.arithmetic)
    arithmetic.push_back({name, value});
  for (const TensorSpec &state : states)
    list.push_back({{"name", state.name},
                    {"dtype", dtypeName(state.dtype)},
                    {"shape", state.shape}});
  Json header = {{"model", origin.model},
                 {"weights", origin.weights},
                 {"configuration", origin.configuration},
                 {"meaning", origin.meaning},
                 {"arithmetic", std::move(arithmetic)},
                 {"tokens", tokens},
                 {"states", std::move(list)},
                 {"checksum", checksum}};
  if (logits > 0)
    header["logits"] = logits;
  if (!attachment.empty())
    header["attachment"] = attachment;
  return header;
}

std::string typeText(const TensorSpec &spec) {
  return std::string(dtypeName(spec.dtype)) + " " + shapeText(spec.shape);
}

} // namespace

bool isSavedState(const fs::path &path) {
  std::string problem;
  std::optional<InputFile> file = InputFile::open(path, problem);
  char magic[header::kMagicBytes];
  return file && file->read(magic, 0, problem) &&
         std::string_view(magic, sizeof(magic)) == kMagic;
}

/// The file that will be `path`, or what is wrong with that.
static std::optional<NewFile> beginState(const fs::path &path,
                                         std::string &problem) {
  std::error_code code;
  if (path.has_filename() && !fs::is_directory(path, code))
    return NewFile::replace(path, NewFile::Use::Private, problem);
  problem = "expected the name of a file, found a folder";
  return std::nullopt;
}

bool canSaveState(const fs::path &path, std::string &error) {
  std::string problem;
  if (beginState(path, problem))
    return true;
  error = path.string() + ": cannot be saved: " + problem;
  return false;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::optional<SavedState> SavedState::read(const fs::path &path,
                                           std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path.string() + ": " + what;
    return std::nullopt;
  };
  std::string problem;
  std::optional<InputFile> file = InputFile::open(path, problem);
  if (!file)
    return fail(problem);
  uint64_t size = file->size();
  char magic[header::kMagicBytes] = {};
  if (size >= sizeof(magic) && !file->read(magic, 0, problem))
    return fail(problem);
  // Before there is memory for a large file of another kind.
  if (std::string_view(magic, sizeof(magic)) != kMagic)
    return fail("is no saved session, or is damaged: expected it to begin "
                "with " +
                std::string(kMagic));
  std::optional<AlignedBuffer> memory =
      AlignedBuffer::zeroed(static_cast<int64_t>(size));
  if (!memory)
    return fail("no memory for its " + std::to_string(size) + " bytes");
  if (!file->read({memory->data(), size}, 0, problem))
    return fail(problem);
  SavedState result;
  result.file = path;
  result.buffer = std::move(*memory);
  try {
    if (result.parse(problem))
      return result;
  } catch (const std::exception &) {
    // A member is missing or of another type.
    problem = "has a header with unexpected contents";
  }
  return fail(problem);
}

bool SavedState::parse(std::string &problem) {
  std::span<const char> all(buffer.data(), size_t(buffer.size()));
  uint64_t payloadAt = 0;
  std::optional<Json> json = header::read(kMagic, all, payloadAt, problem);
  if (!json)
    return false;
  std::span<const char> payload = all.subspan(payloadAt);
  if (json->at("checksum") !=
      header::hex(XXH3_128bits(payload.data(), payload.size()))) {
    problem = "is damaged: its numbers do not match their checksum";
    return false;
  }
  madeBy = {json->at("model"), json->at("weights"), json->at("configuration"),
            json->at("meaning"), json->at("arithmetic")};
  note = json->value("attachment", std::string());
  tokenCount = json->at("tokens");
  Layout layout;
  uint64_t bytes = 0;
  std::optional<uint64_t> offset =
      layout.add({&tokenCount, 1}, MARIMBA_I32, bytes);
  bool good = offset && tokenCount <= std::numeric_limits<int32_t>::max();
  tokensAt = payloadAt + offset.value_or(0);
  for (const Json &entry : json->at("states")) {
    std::optional<MarimbaDType> dtype =
        parseDtype(entry.at("dtype").get<std::string>());
    TensorSpec spec = {entry.at("name"), dtype.value_or(MARIMBA_F32),
                       entry.at("shape")};
    offset = layout.add(spec.shape, spec.dtype, bytes);
    good = good && dtype && offset;
    offsets.push_back(payloadAt + offset.value_or(0));
    sizes.push_back(bytes);
    specs.push_back(std::move(spec));
  }
  logitCount = json->value("logits", int64_t(0));
  if (logitCount != 0) {
    offset = layout.add({&logitCount, 1}, MARIMBA_F32, bytes);
    good = good && offset;
    logitsAt = payloadAt + offset.value_or(0);
  }
  if (good && layout.size() == payload.size())
    return true;
  problem = "has a header whose sizes do not fit together";
  return false;
}

std::span<const int32_t> SavedState::tokens() const {
  // Aligned: the buffer, the payload and what is in it are.
  return {reinterpret_cast<const int32_t *>(buffer.data() + tokensAt),
          size_t(tokenCount)};
}

std::span<const float> SavedState::logits() const {
  return {reinterpret_cast<const float *>(buffer.data() + logitsAt),
          size_t(logitCount)};
}

std::span<const char> SavedState::data(size_t index) const {
  return {buffer.data() + offsets[index], sizes[index]};
}

bool SavedState::check(const StateOrigin &here,
                       const std::function<void(const std::string &)> &note,
                       std::string &error) const {
  if (madeBy.weights != here.weights) {
    error = file.string() +
            ": belongs to another model: was saved with the "
            "weights " +
            madeBy.weights + " of '" + madeBy.model + "', expected " +
            here.weights + " of '" + here.model + "'";
    return false;
  }
  if (madeBy.configuration != here.configuration &&
      madeBy.meaning != here.meaning) {
    error = file.string() +
            ": belongs to another model: was saved with the same weights under "
            "the configuration " +
            madeBy.configuration + ", expected " + here.configuration +
            " of '" + here.model + "'";
    return false;
  }
  std::string differences;
  for (const auto &[name, value] : here.arithmetic) {
    std::string found = "nothing";
    for (const auto &[otherName, otherValue] : madeBy.arithmetic)
      if (otherName == name)
        found = otherValue;
    if (found != value)
      differences += (differences.empty() ? "" : "; ") + name + " " + found +
                     ", here " + value;
  }
  if (!differences.empty() && note)
    note(file.string() +
         ": was computed with other arithmetic: " + differences +
         ": numbers may differ from those of an uninterrupted session by "
         "rounding");
  return true;
}

bool Session::restore(int32_t slot, const SavedState &saved,
                      const StateOrigin &here,
                      const std::function<void(const std::string &)> &note,
                      std::string &error) {
  auto fail = [&](const std::string &what) {
    error = saved.path().string() + ": " + what;
    return false;
  };
  if (slot < 0 || slot >= slots())
    return fail("slot " + std::to_string(slot) +
                " was asked for, the session has 0 to " +
                std::to_string(slots() - 1));
  if (!saved.check(here, note, error))
    return false;
  auto tokens = static_cast<int64_t>(saved.tokens().size());
  for (const TensorSpec &found : saved.states()) {
    int64_t index = pool->find(found.name);
    if (index < 0)
      return fail("holds a state '" + found.name + "', which '" + here.model +
                  "' does not have");
    TensorSpec wanted = pool->sequence(size_t(index), tokens);
    if (found.dtype != wanted.dtype || found.shape != wanted.shape)
      return fail("state '" + found.name + "' is " + typeText(found) +
                  ", expected " + typeText(wanted) +
                  (found.shape == wanted.shape
                       ? ": keys and values were kept otherwise (--kv)"
                       : ""));
  }
  if (saved.states().size() != pool->size())
    return fail("holds " + std::to_string(saved.states().size()) +
                " states, expected the " + std::to_string(pool->size()) +
                " of '" + here.model + "'");
  if (int64_t count = saved.logitCount;
      count != 0 && count != shared->description().vocabulary)
    return fail("holds " + std::to_string(count) +
                " logits, the vocabulary has " +
                std::to_string(shared->description().vocabulary));
  for (int32_t id : saved.tokens())
    if (id < 0 || id >= shared->description().vocabulary)
      return fail("token id " + std::to_string(id) +
                  " is out of range, the vocabulary has " +
                  std::to_string(shared->description().vocabulary));
  std::vector<int32_t> ids(saved.tokens().begin(), saved.tokens().end());
  if (!reserve(tokens, error))
    return false;
  reset(slot);
  for (size_t i = 0; i < saved.states().size(); ++i) {
    const char *from = saved.data(i).data();
    auto index = static_cast<size_t>(pool->find(saved.states()[i].name));
    for (std::span<char> part : pool->parts(index, slot, tokens)) {
      std::memcpy(part.data(), from, part.size());
      from += part.size();
    }
  }
  sequences[static_cast<size_t>(slot)] = std::move(ids);
  return true;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

bool Session::save(int32_t slot, const StateOrigin &origin,
                   const fs::path &path, std::string &error,
                   const std::string &attachment,
                   std::span<const float> logits) const {
  auto fail = [&](const std::string &what) {
    error = path.string() + ": cannot be saved: " + what;
    return false;
  };
  if (slot < 0 || slot >= slots())
    return fail("slot " + std::to_string(slot) +
                " was asked for, the session has 0 to " +
                std::to_string(slots() - 1));
  // What the payload consists of, gaps included.
  static constexpr char zeros[kAlignment] = {};
  std::span<const int32_t> ids = tokens(slot);
  auto count = static_cast<int64_t>(ids.size());
  std::vector<std::span<const char>> parts;
  std::vector<TensorSpec> states;
  Layout layout;
  uint64_t bytes = 0;
  auto place = [&](const TensorSpec &spec) {
    uint64_t end = layout.size();
    std::optional<uint64_t> offset = layout.add(spec.shape, spec.dtype, bytes);
    if (offset)
      parts.push_back({zeros, *offset - end});
    return offset.has_value();
  };
  bool fits = place({"", MARIMBA_I32, {count}});
  parts.push_back(
      {reinterpret_cast<const char *>(ids.data()), ids.size_bytes()});
  for (size_t i = 0; fits && i < pool->size(); ++i) {
    states.push_back(pool->sequence(i, count));
    fits = place(states.back());
    for (std::span<char> part : pool->parts(i, slot, count))
      parts.push_back(part);
  }
  if (!logits.empty()) {
    fits =
        fits && place({"", MARIMBA_F32, {static_cast<int64_t>(logits.size())}});
    parts.push_back(
        {reinterpret_cast<const char *>(logits.data()), logits.size_bytes()});
  }
  if (!fits)
    return fail("its size is beyond 2^63");

  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t *)> hash(
      XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(hash.get());
  for (std::span<const char> part : parts)
    XXH3_128bits_update(hash.get(), part.data(), part.size());
  std::string text =
      header::make(kMagic,
                   describe(origin, count, states, logits.size(), attachment,
                            header::hex(XXH3_128bits_digest(hash.get()))),
                   layout.size());

  std::string problem;
  // It would be replaced while it is in use, and be lost.
  for (const WeightFile &weights : shared->weights().files())
    if (std::error_code code; fs::equivalent(weights.path, path, code))
      return fail("has the weights of the model");
  std::optional<NewFile> file = beginState(path, problem);
  uint64_t at = text.size();
  bool good = file && file->reserve(at + layout.size(), problem) &&
              file->write(text, 0, problem);
  for (std::span<const char> part : parts) {
    good = good && file->write(part, at, problem);
    at += part.size();
  }
  if (good && file->publish(problem))
    return true;
  return fail(problem);
}

} // namespace marimba::rt
