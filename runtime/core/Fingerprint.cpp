//===- Fingerprint.cpp - Which checkpoint this is -------------------------===//

#include "FileHeader.h"
#include "marimba/SavedState.h"
#include "marimba/Weights.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>

namespace marimba::rt {

using Json = nlohmann::json;

/// Files up to this size are read as a whole: a fraction of a second even from
/// a slow disk.
static constexpr uint64_t kWhole = uint64_t(16) << 20;
static constexpr uint64_t kSample = 4096;

namespace {
struct FreeHash {
  void operator()(XXH3_state_t *state) const { XXH3_freeState(state); }
};
} // namespace

/// Passes samples of every tensor that the header lists to `add`.
template <typename Add>
static void sampleTensors(const WeightFile &file, Add add) {
  // The mapping begins with the header.
  std::span<const char> payload =
      std::span(file.header.data(), file.bytes).subspan(file.header.size());
  std::span<const char> text =
      file.header.subspan(std::min(file.header.size(), sizeof(uint64_t)));
  Json json = tryParseJsonText({text.data(), text.size()});
  for (const Json &tensor : json) {
    if (!tensor.is_object() || !tensor.contains("data_offsets"))
      continue;
    const Json &range = tensor["data_offsets"];
    if (!range.is_array() || range.size() != 2 ||
        !range[0].is_number_unsigned() || !range[1].is_number_unsigned())
      continue;
    uint64_t end = std::min<uint64_t>(range[1].get<uint64_t>(), payload.size());
    uint64_t begin = std::min<uint64_t>(range[0].get<uint64_t>(), end);
    uint64_t size = std::min(kSample, end - begin);
    for (uint64_t at : {begin, begin + (end - begin - size) / 2, end - size})
      add(payload.subspan(at, size));
  }
}

std::string fingerprint(const Weights &weights) {
  std::unique_ptr<XXH3_state_t, FreeHash> state(XXH3_createState());
  auto add = [&](std::span<const char> bytes) {
    XXH3_128bits_update(state.get(), bytes.data(), bytes.size());
  };
  std::vector<std::string> digests;
  for (const WeightFile &file : weights.files()) {
    XXH3_128bits_reset(state.get());
    XXH3_128bits_update(state.get(), &file.bytes, sizeof(file.bytes));
    if (file.bytes <= kWhole) {
      add({file.header.data(), file.bytes});
    } else {
      add(file.header);
      sampleTensors(file, add);
    }
    digests.push_back(header::hex(XXH3_128bits_digest(state.get())));
  }
  // By contents, not by name.
  std::sort(digests.begin(), digests.end());
  XXH3_128bits_reset(state.get());
  for (const std::string &digest : digests)
    add(digest);
  return header::hex(XXH3_128bits_digest(state.get()));
}

} // namespace marimba::rt
