//===- GgufFuzz.cpp - GGUF files: header, description, tokenizer ----------===//
//
// The input is a file.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "importer/gguf/GgufConfig.h"
#include "marimba/Tokenizer.h"
#include "tools/libmarimba/GgufTokenizer.h"

using namespace mlir::marimba;
using namespace marimba;

static void readTokenizer(llvm::StringRef path) {
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer = loadGgufTokenizer(path, error);
  fuzz::check(bool(tokenizer) == error.empty(), "a failure has a message");
  if (!tokenizer)
    return;
  std::vector<int32_t> ids =
      tokenizer->encode("Once upon a time,  1234 \u00e9\u4e2d\n\xff<s>");
  for (int32_t id : ids)
    fuzz::check(id >= 0 && id < tokenizer->vocabSize(), "ids are known");
  tokenizer->decode(ids);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  std::string path = folder.write("model.gguf", fuzz::text(data, size));
  bool hasMessage = false;
  auto emitError = [&](const llvm::Twine &) { hasMessage = true; };
  auto file = GgufFile::open(path, "model.gguf", emitError);
  fuzz::check(succeeded(file) != hasMessage, "a failure has a message");
  if (failed(file))
    return 0;
  for (const GgufTensor &tensor : file->tensors()) {
    fuzz::check(tensor.offset <= size && tensor.bytes <= size - tensor.offset,
                "tensors lie in the file");
    fuzz::check(file->data(tensor).size() == tensor.bytes, "data is there");
  }
  auto config = readGgufConfig(*file, emitError);
  fuzz::check(succeeded(config) != hasMessage, "a failure has a message");
  readTokenizer(path);
  return 0;
}
