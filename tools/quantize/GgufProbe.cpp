//===- GgufProbe.cpp - A planned GGUF file, read back ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufProbe.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;
using mlir::marimba::ModelInfo;

GgufProbe::GgufProbe(GgufProbe &&other) noexcept
    : file(other.file), opened(std::move(other.opened)) {
  other.file = -1;
}

GgufProbe::~GgufProbe() {
  if (file >= 0)
    close(file);
}

std::string GgufProbe::path() const {
  return "/proc/self/fd/" + std::to_string(file);
}

static bool writeAll(int file, const char *data, size_t size, uint64_t offset) {
  while (size) {
    ssize_t written = pwrite(file, data, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    data += written;
    offset += static_cast<uint64_t>(written);
    size -= static_cast<size_t>(written);
  }
  return true;
}

/// In front of messages about a file that has no name.
static constexpr StringLiteral kNotReadBack =
    "the GGUF file would not be read back: ";

std::optional<GgufProbe> GgufProbe::create(const GgufPlan &plan,
                                           std::string &error) {
  GgufLayout layout = GgufLayout::of(plan, /*asF32=*/true);
  GgufProbe probe;
  probe.file = memfd_create("gguf", MFD_CLOEXEC);
  bool done =
      probe.file >= 0 &&
      ftruncate(probe.file, static_cast<off_t>(layout.fileBytes)) == 0 &&
      writeAll(probe.file, layout.header.data(), layout.header.size(), 0);
  for (size_t i = 0; done && i < plan.tensors.size(); ++i) {
    const std::vector<float> &values = plan.tensors[i].values;
    done = writeAll(probe.file, reinterpret_cast<const char *>(values.data()),
                    values.size() * sizeof(float), layout.offsets[i]);
  }
  if (!done) {
    error = std::string("the file cannot be tried without data: ") +
            std::strerror(errno);
    return std::nullopt;
  }
  error.clear();
  auto keep = mlir::marimba::keepFirst(error, kNotReadBack);
  auto directory =
      mlir::marimba::ModelDirectory::open(probe.path(), "config.json", keep);
  if (mlir::failed(directory))
    return std::nullopt;
  probe.opened = std::move(*directory);
  return probe;
}

bool GgufProbe::isModel(const ModelInfo &info, std::string &error) const {
  mlir::MLIRContext context;
  auto keep = mlir::marimba::keepFirst(error, kNotReadBack);
  mlir::marimba::ImportOptions options;
  options.apartExperts = true;
  auto model = mlir::marimba::importModel(context, path(), options, keep);
  if (mlir::failed(model))
    return false;
  const ModelInfo &other = model->info;
  auto check = [&](const Twine &what, const Twine &found,
                   const Twine &expected) {
    std::string is = found.str(), wanted = expected.str();
    if (is != wanted && error.empty())
      error = ("the GGUF file would not be the same model: " + what + " " + is +
               ", expected " + wanted)
                  .str();
  };
  auto number = [](double value) { return std::to_string(value); };
  check("family", other.family, info.family);
  check("vocab_size", Twine(other.vocabSize), Twine(info.vocabSize));
  check("hidden_size", Twine(other.hiddenSize), Twine(info.hiddenSize));
  check("layers", join(other.layerKinds, " "), join(info.layerKinds, " "));
  check("epsilon", number(1e9 * float(other.normEpsilon)),
        number(1e9 * float(info.normEpsilon)));
  check("parameters", Twine(other.parameters), Twine(info.parameters));
  // What no layer has a file need not say.
  auto none = [&](StringRef part) {
    return none_of(info.layerKinds,
                   [&](StringRef kind) { return kind.contains(part); });
  };
  auto isOfNone = [&](StringRef size) {
    return (size.contains("experts") && none("moe")) ||
           (size.contains("head") && !size.contains("mamba") &&
            !size.contains("linear") && none("attention"));
  };
  for (const auto &[field, size] : info.sizes)
    for (const auto &[name, value] : other.sizes)
      if (name == field && !isOfNone(name))
        check(name, Twine(value), Twine(size));
  return error.empty();
}
