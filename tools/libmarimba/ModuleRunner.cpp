//===- ModuleRunner.cpp - Modules written by hand, run on tensors ---------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModuleRunner.h"
#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/SourceNesting.h"

#include "marimba/Context.h"
#include "marimba/Description.h"
#include "marimba/InputFile.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Weights.h"
#include "marimba/formats/Safetensors.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <set>

using namespace marimba;
using namespace llvm;
using formats::SafetensorsEntry;

namespace {

/// The tensors of the input file.
class InputFile {
public:
  bool open(StringRef path, std::string &error) {
    file = path.str();
    auto found = formats::readSafetensorsHeader(file, file, error);
    if (!found)
      return false;
    std::string problem;
    std::optional<rt::InputFile> input = rt::InputFile::open(file, problem);
    if (!input) {
      error = file + ": " + problem;
      return false;
    }
    ErrorOr<std::unique_ptr<MemoryBuffer>> data = MemoryBuffer::getOpenFile(
        sys::fs::convertFDToNativeFile(input->descriptor()), path,
        input->size(), /*RequiresNullTerminator=*/false);
    if (!data) {
      error = file + ": " + data.getError().message();
      return false;
    }
    buffer = std::move(*data);
    for (const SafetensorsEntry &entry : *found)
      if (entry.offset + entry.bytes > buffer->getBufferSize()) {
        error = file + ": became shorter while it was read";
        return false;
      }
    for (SafetensorsEntry &entry : *found)
      entries[entry.name] = std::move(entry);
    return true;
  }

  /// The cases C of all tensors called `<entry>@C.<name>`, in order.
  std::set<std::string> casesOf(StringRef entry) const {
    std::set<std::string> cases;
    std::string start = entry.str() + "@";
    for (const auto &item : entries)
      if (StringRef name = item.first(); name.consume_front(start))
        cases.insert(name.take_until([](char c) { return c == '.'; }).str());
    return cases;
  }

  const SafetensorsEntry *find(StringRef name) const {
    auto it = entries.find(name);
    return it == entries.end() ? nullptr : &it->second;
  }
  const char *data(const SafetensorsEntry &entry) const {
    return buffer->getBufferStart() + entry.offset;
  }

  /// All tensors of types that weights may have.
  std::vector<rt::WeightSource> sources() const {
    std::vector<rt::WeightSource> result;
    for (const auto &item : entries) {
      const SafetensorsEntry &entry = item.second;
      if (auto dtype = entry.dtype == "U8" // of quantised weights: bytes
                           ? MARIMBA_I8
                           : rt::parseDtype(StringRef(entry.dtype).lower()))
        result.push_back(
            {entry.name, file, entry.offset, entry.bytes, *dtype, entry.shape});
    }
    return result;
  }

  std::string file = "no input file";

private:
  std::unique_ptr<MemoryBuffer> buffer;
  StringMap<SafetensorsEntry> entries;
};

class ModuleRunner {
public:
  ModuleRunner(const ModuleRequest &request, std::string &error)
      : request(request), error(error) {}

  bool load(const LoadOptions &options, NoteFn note);
  bool runAll();
  bool write() {
    return formats::writeSafetensors(request.output, results, error);
  }

private:
  bool fail(const Twine &message) {
    error = message.str();
    return false;
  }
  bool prepare();
  bool run(StringRef entry, StringRef prefix);
  /// Memory and shape of an argument, filled from the file.
  bool bind(const rt::EntrySpec &entry, const rt::ArgSpec &arg,
            StringRef prefix, MarimbaTensor &tensor);
  bool resolveShape(const rt::EntrySpec &entry, const rt::ArgSpec &arg,
                    StringRef prefix, std::vector<int64_t> &shape);
  bool call(StringRef entry, ArrayRef<MarimbaTensor> args);

  const ModuleRequest &request;
  std::string &error;
  InputFile inputs;
  CodePtr code;
  rt::ModuleTables tables;
  std::shared_ptr<rt::PrimitiveCache> library;
  std::unique_ptr<rt::Weights> weights;
  std::unique_ptr<rt::Context> context;
  int threads = 1;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<formats::SafetensorsTensor> results;
};

} // namespace

bool ModuleRunner::load(const LoadOptions &options, NoteFn note) {
  if (!request.inputs.empty() && !inputs.open(request.inputs, error))
    return false;
  CompileOptions compile = options.compileForTeam();
  compile.pipeline.checks = true; // nothing else stands between it and a file
  std::unique_ptr<Compilation> compilation =
      Compilation::create(request.module, compile, error);
  if (!compilation)
    return false;
  bool fromCache = false;
  code = compileOrFind(*compilation, options.cacheFolder, fromCache, error, {},
                       note);
  auto *text =
      code
          ? lookupFunction<const char>(*code, MARIMBA_SYMBOL_DESCRIPTION, error)
          : nullptr;
  if (!text)
    return false;
  std::optional<rt::ModuleTables> parsed = rt::ModuleTables::parse(text, error);
  if (!parsed)
    return false;
  tables = std::move(*parsed);

  rt::Description stored;
  stored.weights = tables.weights;
  weights = rt::Weights::load(stored, inputs.sources(), error);
  if (!weights)
    return false;
  threads = options.teamSize();
  library = std::make_shared<rt::PrimitiveCache>();
  context = rt::Context::create(threads, library, error);
  return context && prepare();
}

bool ModuleRunner::call(StringRef entry, ArrayRef<MarimbaTensor> args) {
  auto *function =
      lookupFunction<int32_t(MarimbaContext *, const MarimbaCall *)>(
          *code, ("marimba_" + entry).str(), error);
  if (!function)
    return false;
  MarimbaCall call = {};
  call.weights = weights->table().data();
  call.weightCount = static_cast<int32_t>(weights->table().size());
  call.args = args.data();
  call.argCount = static_cast<int32_t>(args.size());
  context->clear();
  int32_t status = MARIMBA_OK;
  rt::onTeam(threads, [&] { status = context->run(function, call); });
  if (status == MARIMBA_OK && context->ok())
    return true;
  if (status == MARIMBA_ERROR_CHECK) // names file and line
    return fail(Twine(context->message()) + " (entry '" + entry + "')");
  return fail(request.module + ": entry '" + entry +
              "': " + context->message());
}

bool ModuleRunner::prepare() {
  auto entry = tables.entries.find("prepare");
  if (entry == tables.entries.end())
    return true;
  std::vector<MarimbaTensor> args;
  for (const rt::ArgSpec &arg : entry->second.args) {
    int64_t row = tables.weightIndex(arg.name);
    if (arg.kind != rt::ArgKind::Weight || row < 0)
      return fail(request.module + ": argument '" + arg.name +
                  "' of entry 'prepare' is not a weight of the module");
    args.push_back(weights->table()[static_cast<size_t>(row)]);
  }
  return call("prepare", args);
}

bool ModuleRunner::resolveShape(const rt::EntrySpec &entry,
                                const rt::ArgSpec &arg, StringRef prefix,
                                std::vector<int64_t> &shape) {
  std::string name = prefix.str() + arg.name;
  auto about = [&] {
    return request.module + ": argument '" + name + "', " +
           rt::dtypeName(arg.dtype).data() + " " + rt::shapeText(arg.shape);
  };
  shape = arg.shape;
  if (const SafetensorsEntry *stored = inputs.find(name)) {
    bool fits = stored->shape.size() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits = shape[i] < 0 || shape[i] == stored->shape[i];
    if (!fits)
      return fail(about() + ": the tensor in " + inputs.file + " is " +
                  rt::shapeText(stored->shape));
    shape = stored->shape;
    return true;
  }
  if (arg.kind == rt::ArgKind::Input)
    return fail(about() + ": there is no tensor of that name in " +
                inputs.file);
  for (auto [dim, size] : enumerate(shape)) {
    for (const rt::ArgSpec &input : entry.args) {
      const SafetensorsEntry *stored = inputs.find(prefix.str() + input.name);
      if (size < 0 && input.kind == rt::ArgKind::Input && stored &&
          dim < input.shape.size() && input.shape[dim] < 0 &&
          stored->shape.size() == input.shape.size())
        size = stored->shape[dim];
    }
    if (size < 0)
      return fail(about() + ": dimension " + Twine(dim) +
                  " is dynamic and no input has one there; put a tensor of "
                  "the wanted shape and of that name in " +
                  inputs.file);
  }
  return true;
}

bool ModuleRunner::bind(const rt::EntrySpec &entry, const rt::ArgSpec &arg,
                        StringRef prefix, MarimbaTensor &tensor) {
  std::string name = prefix.str() + arg.name;
  if (arg.kind == rt::ArgKind::Weight)
    return fail(request.module + ": argument '" + name +
                "' is a derived weight, which only the entry 'prepare' may "
                "write");
  std::vector<int64_t> shape;
  if (!resolveShape(entry, arg, prefix, shape))
    return false;
  std::optional<int64_t> count = rt::elementCount(shape);
  int64_t bytes = 0;
  std::optional<rt::AlignedBuffer> buffer;
  if (count &&
      !__builtin_mul_overflow(*count, rt::dtypeSize(arg.dtype), &bytes))
    buffer = rt::AlignedBuffer::zeroed(bytes);
  if (!buffer)
    return fail(request.module + ": argument '" + name + "', " +
                rt::shapeText(shape) + ": no memory for it");
  const SafetensorsEntry *stored = inputs.find(name);
  if (stored && arg.kind != rt::ArgKind::Output) {
    if (StringRef(stored->dtype).lower() != rt::dtypeName(arg.dtype))
      return fail(inputs.file + ": tensor '" + name + "' is " + stored->dtype +
                  ", expected " + StringRef(rt::dtypeName(arg.dtype)).upper());
    if (bytes > 0)
      std::memcpy(buffer->data(), inputs.data(*stored), bytes);
  }
  tensor = rt::makeTensor(buffer->data(), arg.dtype, shape);
  if (arg.kind != rt::ArgKind::Input)
    results.push_back({name, StringRef(rt::dtypeName(arg.dtype)).upper(), shape,
                       buffer->data()});
  buffers.push_back(std::move(*buffer));
  return true;
}

bool ModuleRunner::run(StringRef name, StringRef prefix) {
  auto found = tables.entries.find(name.str());
  if (found == tables.entries.end()) {
    std::string known;
    for (const auto &[other, entry] : tables.entries)
      known += (known.empty() ? "'" : ", '") + other + "'";
    return fail(request.module + ": has no entry '" + name + "'; " +
                (known.empty() ? "it has none" : "its entries are " + known));
  }
  std::vector<MarimbaTensor> args;
  for (const rt::ArgSpec &arg : found->second.args)
    if (!bind(found->second, arg, prefix, args.emplace_back()))
      return false;
  return call(name, args);
}

bool ModuleRunner::runAll() {
  if (!request.entry.empty())
    return run(request.entry, "");
  for (const auto &[name, entry] : tables.entries) {
    if (name == "prepare")
      continue;
    std::set<std::string> cases = inputs.casesOf(name);
    if (cases.empty() && !run(name, name + "."))
      return false;
    for (const std::string &each : cases)
      if (!run(name, name + "@" + each + "."))
        return false;
  }
  return true;
}

bool marimba::runModule(const ModuleRequest &request,
                        const LoadOptions &options, std::string &error,
                        NoteFn note) {
  error = checkFileIsText(request.module);
  if (!error.empty())
    return false;
  if (!Compilation::isIRFile(request.module)) {
    error = request.module + ": expected a file of IR (*.mlir)";
    return false;
  }
  ModuleRunner runner(request, error);
  return runner.load(options, note) && runner.runAll() && runner.write();
}
