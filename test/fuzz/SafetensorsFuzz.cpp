//===- SafetensorsFuzz.cpp - Headers of safetensors files -----------------===//
//
// The input is a file.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "importer/hub/Safetensors.h"

using namespace mlir::marimba;
using namespace marimba;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  std::string path = folder.write("model.safetensors", fuzz::text(data, size));
  std::string message;
  auto entries = readSafetensorsHeader(
      path, "model.safetensors",
      [&](const llvm::Twine &text) { message = text.str(); });
  fuzz::check(succeeded(entries) == message.empty(), "a failure has a message");
  if (failed(entries)) {
    fuzz::check(llvm::StringRef(message).starts_with("model.safetensors"),
                "the message names the file");
    return 0;
  }
  for (const SafetensorsEntry &entry : *entries)
    fuzz::check(entry.offset <= size && entry.bytes <= size - entry.offset,
                "tensors lie in the file");
  return 0;
}
