//===- GgufFuzz.cpp - GGUF files: header, description, tokenizer ----------===//
//
// The input is a file or, cut before each "GGUF" but the first, the parts of a
// model in several files.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "importer/gguf/GgufConfig.h"
#include "importer/hub/ModelDirectory.h"
#include "marimba/Tokenizer.h"
#include "marimba/formats/Format.h"
#include "tools/libmarimba/GgufTokenizer.h"
#include <cmath>
#include <cstring>

using namespace mlir::marimba;
using namespace marimba;

static constexpr std::string_view kMagic = "GGUF";

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

/// The row at `row` as kernels read it: the numbers that `widened` has.
static void repack(const formats::Format &format, const char *row,
                   llvm::ArrayRef<float> widened) {
  auto inputs = int64_t(widened.size());
  if (!format.encoding || inputs % formats::Layout::kDepth != 0)
    return;
  auto layout = formats::Layout::of(*format.encoding, 1, inputs);
  std::vector<char> matrix(size_t(layout.bytes()));
  for (const formats::Part &part : format.parts)
    if (part.read)
      formats::repackRow(format, part, row, 0, inputs,
                         matrix.data() + layout.partOffset(part.kind));
  std::vector<float> numbers = formats::widenMatrix(layout, matrix.data());
  for (size_t i = 0; i < widened.size(); ++i)
    fuzz::check(numbers[i] == widened[i] ||
                    (std::isnan(numbers[i]) && std::isnan(widened[i])),
                "repacked blocks have the same numbers");
}

/// The numbers of the first row. They may be anything; reading them may not
/// depend on what they are.
static void readRow(const GgufFile &file, const GgufTensor &tensor) {
  const formats::Format *format = formats::findFormat(tensor.type);
  if (!format || !format->widen || tensor.bytes == 0 || tensor.shape.empty())
    return;
  int64_t inputs = tensor.shape.back();
  std::vector<float> numbers(static_cast<size_t>(inputs));
  const char *row = file.data(tensor).data();
  format->widen(row, numbers.data(), inputs / format->elements);
  repack(*format, row, numbers);
}

static void readFile(const std::string &path, llvm::ArrayRef<size_t> sizes) {
  bool hasMessage = false;
  auto emitError = [&](const llvm::Twine &) { hasMessage = true; };
  auto file = GgufFile::open(path, "model.gguf", emitError);
  fuzz::check(succeeded(file) != hasMessage, "a failure has a message");
  if (failed(file))
    return;
  fuzz::check(file->parts().size() <= sizes.size(), "parts are files");
  // A file that does not say that it is a part is one by itself: the last.
  sizes = sizes.take_back(file->parts().size() > 1 ? sizes.size() : 1);
  for (const GgufTensor &tensor : file->tensors()) {
    size_t size = sizes[tensor.part];
    fuzz::check(tensor.offset <= size && tensor.bytes <= size - tensor.offset,
                "tensors lie in their file");
    fuzz::check(file->data(tensor).size() == tensor.bytes, "data is there");
    readRow(*file, tensor);
  }
  auto config = readGgufConfig(*file, emitError);
  fuzz::check(succeeded(config) != hasMessage, "a failure has a message");
  auto directory = ModelDirectory::open(path, "config.json", emitError);
  fuzz::check(succeeded(directory) != hasMessage, "a failure has a message");
}

/// The parts of the input.
static std::vector<std::string_view> cut(std::string_view input) {
  std::vector<std::string_view> parts;
  for (size_t next = 0; next != std::string_view::npos && parts.size() < 3;) {
    input.remove_prefix(next);
    next = input.find(kMagic, std::min(kMagic.size(), input.size()));
    parts.push_back(input.substr(0, next));
  }
  return parts;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  std::string_view input = fuzz::text(data, size);
  std::string path = folder.write("model.gguf", input);
  readFile(path, size);
  readTokenizer(path);
  std::vector<std::string_view> parts = cut(input);
  if (parts.size() < 2)
    return 0;
  std::vector<size_t> sizes;
  for (auto [i, part] : llvm::enumerate(parts)) {
    path = folder.write("model-" + std::to_string(i + 1) + "-of-" +
                            std::to_string(parts.size()) + ".gguf",
                        part);
    sizes.push_back(part.size());
  }
  readFile(path, sizes);
  readTokenizer(path);
  return 0;
}
