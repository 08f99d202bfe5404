//===- SafetensorsFuzz.cpp - Headers of safetensors files -----------------===//
//
// The input is a file.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "marimba/formats/Safetensors.h"

#include <string_view>

using namespace marimba;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  std::string path = folder.write("model.safetensors", fuzz::text(data, size));
  std::string message;
  auto entries =
      formats::readSafetensorsHeader(path, "model.safetensors", message);
  fuzz::check(entries.has_value() == message.empty(),
              "a failure has a message");
  if (!entries) {
    fuzz::check(std::string_view(message).starts_with("model.safetensors"),
                "the message names the file");
    return 0;
  }
  for (const formats::SafetensorsEntry &entry : *entries)
    fuzz::check(entry.offset <= size && entry.bytes <= size - entry.offset,
                "tensors lie in the file");
  return 0;
}
