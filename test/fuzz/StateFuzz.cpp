//===- StateFuzz.cpp - Saved sessions -------------------------------------===//
//
// The input describes a file: HeaderPatch.h.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "HeaderPatch.h"
#include "marimba/SavedState.h"
#include "runtime/core/FileHeader.h"

using namespace marimba;

/// A session of three tokens with two states.
static std::string makeWhole() {
  std::string payload(64 + 64 + 24, '\0');
  for (size_t i = 0; i < payload.size(); ++i)
    payload[i] = char(i % 64 < 24 && i != 12 ? i : 0);
  nlohmann::json json = {
      {"model", "m"},
      {"weights", "w"},
      {"configuration", "c"},
      {"meaning", "d"},
      {"arithmetic",
       nlohmann::json::array({nlohmann::json::array({"dtype", "f32"})})},
      {"tokens", 3},
      {"states",
       {{{"name", "a"}, {"dtype", "f32"}, {"shape", {1, 6}}},
        {{"name", "b"}, {"dtype", "bf16"}, {"shape", {1, 3, 4}}}}},
      {"checksum",
       rt::header::hex(XXH3_128bits(payload.data(), payload.size()))}};
  return rt::header::make("MRBSTAT1", json, payload.size()) + payload;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  static const std::string whole = makeWhole();
  std::string error;
  static const bool isGood = [&] {
    return bool(rt::SavedState::read(folder.write("good", whole), error));
  }();
  fuzz::check(isGood, "the file that is damaged is good");
  std::string path = folder.write("a.state", fuzz::damaged(whole, data, size));
  error.clear();
  auto state = rt::SavedState::read(path, error);
  fuzz::check(bool(state) == error.empty(), "a failure has a message");
  if (!state)
    return 0;
  int64_t sum = 0;
  for (int32_t id : state->tokens())
    sum += id;
  for (size_t i = 0; i < state->states().size(); ++i)
    for (char byte : state->data(i))
      sum += byte;
  static volatile int64_t sink;
  sink = sum;
  return 0;
}
