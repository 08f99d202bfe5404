//===- InspectGguf.cpp - What a GGUF file is ------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/InspectGguf.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "importer/gguf/GgufConfig.h"
#include "tools/libmarimba/GgufTokenizer.h"

#include "marimba/formats/Format.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace marimba;
using namespace marimba::driver;
using namespace llvm;
using mlir::marimba::GgufFile;
using mlir::marimba::GgufTensor;
using mlir::marimba::WeightOperandInterface;
using mlir::marimba::WeightRole;
using mlir::marimba::WeightSource;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Finds the tensors that hold what a module reads: a source may be an expert
/// of one, or codes or scales.
class TensorPlaces {
public:
  explicit TensorPlaces(const GgufFile &file) {
    for (const GgufTensor &tensor : file.tensors())
      if (tensor.bytes)
        places[{file.fileOf(tensor), tensor.offset}] = &tensor;
  }
  const GgufTensor *find(const WeightSource &source) const {
    StringRef file = sys::path::filename(source.file);
    auto it = places.upper_bound({file, source.offset});
    if (it == places.begin() || std::prev(it)->first.first != file)
      return nullptr;
    return std::prev(it)->second;
  }

private:
  std::map<std::pair<StringRef, uint64_t>, const GgufTensor *> places;
};
} // namespace

void GgufReport::takeHeader(const GgufFile &file) {
  version = file.parts().front().version;
  for (const mlir::marimba::GgufPart &part : file.parts())
    parts.push_back(
        {json::fixUTF8(part.file), {0, int64_t(part.buffer->getBufferSize())}});
  for (const GgufTensor &tensor : file.tensors()) {
    ++parts[tensor.part].count.tensors;
    Count &count = types[tensor.type];
    ++count.tensors;
    count.bytes += int64_t(tensor.bytes);
  }
  architecture = file.toJson("general.architecture");
  name = file.toJson("general.name");
  size = file.toJson("general.size_label");
  fileType = file.toJson("general.file_type");
  quantization = file.toJson("general.quantization_version");
  if (auto arch = file.getString("general.architecture"))
    context = file.toJson((*arch + ".context_length").str());
  tokenizer = file.toJson("tokenizer.ggml.model");
  pre = file.toJson("tokenizer.ggml.pre");
  if (const auto *list = file.find("tokenizer.ggml.tokens"))
    tokens = list->isArray ? int64_t(list->count) : 0;
}

namespace {
/// Says how the weights of a module are used.
class UseFinder {
public:
  explicit UseFinder(Compilation &compilation)
      : options(compilation.options().pipeline), symbols(compilation.module()) {
    compilation.module().walk([&](mlir::marimba::GetWeightOp get) {
      if (isMultiplied(get.getResult(), get.getWeight()))
        multiplied.insert(get.getWeight());
    });
  }
  /// `source` is one of the weight's.
  StringRef of(mlir::marimba::WeightOp weight, const WeightSource &source) {
    auto type = cast<mlir::RankedTensorType>(weight.getType());
    if (!mlir::marimba::isQuantized(type))
      return source.stored.isPlain() ? "as it is" : "widened to f32 on loading";
    if (!multiplied.contains(weight.getSymName()))
      return "as stored, rows are looked up";
    bool integers = options.multipliesBytes() &&
                    mlir::marimba::layoutOf(type).encoding.hasIntegers() &&
                    !exact.contains(weight.getSymName());
    return integers ? "as stored, by products of integers"
                    : "as stored, by products of f32";
  }

private:
  /// Whether products are made with weight `name`, be it in a function that is
  /// called.
  bool isMultiplied(mlir::Value value, StringRef name) {
    return any_of(value.getUses(), [&](mlir::OpOperand &use) {
      if (auto call = dyn_cast<mlir::func::CallOp>(use.getOwner())) {
        auto callee = symbols.lookup<mlir::func::FuncOp>(call.getCallee());
        return isMultiplied(callee.getArgument(use.getOperandNumber()), name);
      }
      if (use.getOwner()->hasAttr(mlir::marimba::kExactProductsAttr))
        exact.insert(name);
      auto reader = dyn_cast<WeightOperandInterface>(use.getOwner());
      return reader &&
             reader.getWeightOperand(use).role == WeightRole::Projection;
    });
  }

  const mlir::marimba::PipelineOptions &options;
  mlir::SymbolTable symbols;
  StringSet<> multiplied, exact;
};
} // namespace

void GgufReport::takeUses(const GgufFile &file, Compilation &compilation) {
  StringMap<const WeightSource *> sources;
  for (const WeightSource &source : compilation.imported()->sources)
    sources[source.name] = &source;
  UseFinder finder(compilation);
  TensorPlaces places(file);
  std::set<std::pair<const GgufTensor *, StringRef>> counted;
  for (auto weight : compilation.module().getOps<mlir::marimba::WeightOp>()) {
    if (!weight.getSources())
      continue;
    for (auto name : weight.getSources()->getAsValueRange<mlir::StringAttr>()) {
      const WeightSource *source = sources.lookup(name);
      const GgufTensor *tensor = source ? places.find(*source) : nullptr;
      if (!tensor)
        continue;
      StringRef how = finder.of(weight, *source);
      // A tensor has many sources: experts, and codes and scales of each.
      if (!counted.insert({tensor, how}).second)
        continue;
      Count &count = uses[{tensor->type, how.str()}];
      ++count.tensors;
      count.bytes += int64_t(tensor->bytes);
    }
  }
}

std::optional<GgufReport> GgufReport::read(StringRef path,
                                           Compilation *compilation) {
  auto quiet = [](const Twine &) {};
  auto file = GgufFile::open(path, sys::path::filename(path), quiet);
  if (failed(file))
    return std::nullopt;
  GgufReport report;
  report.takeHeader(*file);
  if (!compilation)
    return report;
  report.takeUses(*file, *compilation);
  // What the readers of keys do not ask for has no effect.
  (void)readGgufConfig(*file, quiet);
  readGgufTexts(*file);
  for (StringRef key : file->unreadKeys())
    if (!key.starts_with("general.") && !key.starts_with("split."))
      report.unusedKeys.push_back(json::fixUTF8(key));
  return report;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

/// Whether a model's weights may be of the type.
static bool isReadable(StringRef type) {
  return formats::findFormat(std::string_view(type)) != nullptr;
}

/// A text of the file, without what a terminal would not print.
static std::string printable(StringRef text) {
  return StringRef(mlir::marimba::quoted(text)).trim('\'').str();
}

/// Null is "none", strings are without quotes.
static std::string text(const json::Value &value) {
  if (auto string = value.getAsString())
    return printable(*string);
  return value.getAsNull() ? "none" : formatv("{0}", value).str();
}

void GgufReport::printAsText() const {
  raw_ostream &os = outs();
  auto row = [&](StringRef label) -> raw_ostream & {
    return os << left_justify(label, 12);
  };
  StringRef label = "file";
  for (const Part &part : parts) {
    row(label) << part.file
               << formatv(", {0:N} tensors, {1:N} bytes\n", part.count.tensors,
                          part.count.bytes);
    label = "";
  }
  row("GGUF") << "version " << version << ", architecture "
              << text(architecture);
  if (!name.getAsNull())
    os << ", \"" << text(name) << '"';
  if (!size.getAsNull())
    os << ", size " << text(size);
  os << '\n';
  if (auto number = fileType.getAsInteger()) {
    StringRef known = mlir::marimba::ggufFileTypeName(*number);
    row("file type") << (known.empty() ? text(fileType) : known.str());
    if (!quantization.getAsNull())
      os << ", quantisation version " << text(quantization);
    os << '\n';
  }
  if (!context.getAsNull())
    row("context") << text(context) << " tokens\n";
  row("tokenizer") << text(tokenizer);
  if (!pre.getAsNull())
    os << ", pre " << text(pre);
  os << formatv(", {0:N} tokens\n", tokens);
  label = "types";
  auto counted = [&](StringRef type, const Count &count) -> raw_ostream & {
    row(label) << left_justify(type, 8)
               << formatv("{0,6:N} tensor{1} {2,16:N} bytes", count.tensors,
                          count.tensors == 1 ? " " : "s", count.bytes);
    label = "";
    return os;
  };
  for (const auto &[type, count] : types)
    counted(type, count) << (isReadable(type) ? "\n" : ", not read\n");
  label = "multiplied";
  for (const auto &[use, count] : uses)
    counted(use.first, count) << ", " << use.second << '\n';
  if (!unusedKeys.empty())
    row("unused keys") << join(map_range(unusedKeys, printable), ", ") << '\n';
}

json::Object GgufReport::asJson() const {
  auto counted = [](const Count &count) {
    return json::Object{{"tensors", count.tensors}, {"bytes", count.bytes}};
  };
  json::Array files, kinds, multiplied;
  for (const Part &part : parts) {
    json::Object file = counted(part.count);
    file["file"] = part.file;
    files.push_back(std::move(file));
  }
  for (const auto &[type, count] : types) {
    json::Object kind = counted(count);
    kind["type"] = type;
    kind["read"] = isReadable(type);
    kinds.push_back(std::move(kind));
  }
  for (const auto &[use, count] : uses) {
    json::Object entry = counted(count);
    entry["type"] = use.first;
    entry["how"] = use.second;
    multiplied.push_back(std::move(entry));
  }
  auto number = fileType.getAsInteger();
  return json::Object{
      {"version", version},
      {"files", std::move(files)},
      {"architecture", architecture},
      {"name", name},
      {"size_label", size},
      {"file_type", number && !mlir::marimba::ggufFileTypeName(*number).empty()
                        ? json::Value(mlir::marimba::ggufFileTypeName(*number))
                        : fileType},
      {"quantization_version", quantization},
      {"context_length", context},
      {"tokenizer", tokenizer},
      {"pre", pre},
      {"tokens", tokens},
      {"types", std::move(kinds)},
      {"multiplied", std::move(multiplied)},
      {"unused_keys", json::Array(unusedKeys)},
  };
}
