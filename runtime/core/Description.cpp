//===- Description.cpp - Reading a module's description -------------------===//

#include "marimba/Description.h"

#include "marimba/Tensor.h"
#include "marimba/formats/Layout.h"

#include "marimba/formats/JsonText.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace marimba::rt {

namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string &path, const std::string &what) {
  throw std::runtime_error(path + ": " + what);
}

const Json &member(const Json &object, const std::string &path,
                   const char *key) {
  if (!object.is_object())
    fail(path,
         std::string("is ") + object.type_name() + ", expected an object");
  auto it = object.find(key);
  if (it == object.end())
    fail(path, std::string("has no member '") + key + "'");
  return *it;
}

std::string text(const Json &value, const std::string &path) {
  if (!value.is_string())
    fail(path, std::string("is ") + value.type_name() + ", expected a string");
  return value.get<std::string>();
}

const Json &array(const Json &value, const std::string &path) {
  if (!value.is_array())
    fail(path, std::string("is ") + value.type_name() + ", expected an array");
  return value;
}

/// "f16": descriptions have the names in small letters.
std::optional<formats::Scalar> scalarNamed(std::string name) {
  for (char &letter : name)
    letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32
                                                              : letter);
  return formats::parseScalar(name);
}

/// Reads name, dtype and shape; -1 in a shape only where `dynamic`.
void readTensor(const Json &value, const std::string &path, bool dynamic,
                TensorSpec &spec) {
  spec.name = text(member(value, path, "name"), path + ".name");
  std::string dtype = text(member(value, path, "dtype"), path + ".dtype");
  std::optional<MarimbaDType> parsed = parseDtype(dtype);
  if (!parsed)
    fail(path + ".dtype",
         "is '" + dtype + "', expected f32, f16, bf16, i32, i64 or i8");
  spec.dtype = *parsed;
  const Json &shape = array(member(value, path, "shape"), path + ".shape");
  for (const Json &size : shape) {
    std::optional<int64_t> number = integerIn(size, dynamic ? -1 : 0);
    if (!number)
      fail(path + ".shape", "has the size " + size.dump() + ", expected " +
                                (dynamic ? "-1 or " : "") +
                                "a number of elements");
    spec.shape.push_back(*number);
  }
  if (spec.shape.size() > MARIMBA_MAX_RANK)
    fail(path + ".shape", "has " + std::to_string(spec.shape.size()) +
                              " dimensions, expected at most " +
                              std::to_string(MARIMBA_MAX_RANK));
}

/// "quantized": the layout of the bytes.
void readQuantized(const Json &value, const std::string &path,
                   WeightSpec &spec) {
  auto number = [&](const char *name, int64_t least, int64_t most = INT64_MAX) {
    const Json &found = member(value, path, name);
    std::optional<int64_t> number = integerIn(found, least, most);
    if (!number)
      fail(path + "." + name,
           "is " + found.dump() + ", expected a number of at least " +
               std::to_string(least) +
               (most < INT64_MAX ? ", at most " + std::to_string(most) : ""));
    return *number;
  };
  auto flag = [&](const char *name) {
    auto it = value.find(name);
    return it != value.end() && it->is_boolean() && it->get<bool>();
  };
  auto mismatch = [&] {
    fail(path, "does not describe the " + shapeText(spec.shape) +
                   " bytes of weight '" + spec.name + "' and its " +
                   std::to_string(spec.sources.size()) + " sources");
  };
  formats::Encoding encoding;
  encoding.bits = static_cast<int>(number("bits", 1, 8));
  int64_t channels = number("channels", 1), inputs = number("inputs", 1);
  int64_t matrices = number("matrices", 1);
  if (encoding.bits == 7 || !formats::Layout::fits(channels, inputs, matrices))
    mismatch();
  // Either a group of a format, or all inputs with their padding.
  encoding.group = number("group", 1, std::max<int64_t>(128, inputs + 63));
  encoding.offset = flag("zero_point") ? formats::Offset::ZeroPoint
                    : flag("minimum")  ? formats::Offset::Minimum
                                       : formats::Offset::None;
  std::string scale = text(member(value, path, "scale"), path + ".scale");
  std::optional<formats::Scalar> scalar = scalarNamed(scale);
  if (!scalar)
    fail(path + ".scale", "is '" + scale + "', expected a type");
  encoding.scale = *scalar;
  if (value.contains("super_block"))
    encoding.superBlock = number("super_block", 1, 256);
  if (auto it = value.find("values"); it != value.end()) {
    std::string values = text(*it, path + ".values");
    std::optional<formats::CodeValues> known = formats::parseCodeValues(values);
    if (!known)
      fail(path + ".values", "is '" + values + "', expected values of codes");
    encoding.values = *known;
    bool table = formats::codeTable(encoding.values) != nullptr;
    if ((table && encoding.bits != 4) ||
        (*known == formats::CodeValues::E4M3 && encoding.bits != 8) ||
        (*known != formats::CodeValues::Integer &&
         encoding.offset == formats::Offset::ZeroPoint))
      mismatch();
  }
  if (encoding.superBlock && encoding.superBlock % encoding.group != 0)
    mismatch();
  if (encoding.hasGrid()
          ? encoding != formats::Encoding::ofGrid(encoding.values)
          : encoding.bits == 1)
    mismatch();
  auto layout = formats::Layout::of(encoding, channels, inputs, matrices);
  if (spec.dtype != MARIMBA_I8 || spec.shape.size() != 1 ||
      layout.bytes() != spec.shape[0] ||
      std::cmp_not_equal(spec.sources.size(), matrices * layout.partCount()))
    mismatch();
  spec.quantized = layout;
}

WeightSpec readWeight(const Json &value, const std::string &path) {
  WeightSpec spec;
  readTensor(value, path, /*dynamic=*/false, spec);
  if (!elementCount(spec.shape))
    fail(path + ".shape", shapeText(spec.shape) + " is too large");
  if (auto it = value.find("derived"); it != value.end()) {
    if (!it->is_boolean())
      fail(path + ".derived", "is not true or false");
    spec.derived = it->get<bool>();
  }
  if (auto it = value.find("sources"); it != value.end())
    for (const Json &source : array(*it, path + ".sources"))
      spec.sources.push_back(text(source, path + ".sources"));
  if (auto it = value.find("packed"); it != value.end()) {
    std::string name = text(*it, path + ".packed");
    spec.packed = parseDtype(name);
    if (!spec.packed || spec.derived || spec.shape.size() < 2)
      fail(path + ".packed", "is '" + name +
                                 "', expected a type, of a weight with sources "
                                 "and two dimensions or more");
    spec.stored = false;
  }
  if (auto it = value.find("apart"); it != value.end()) {
    if (!it->is_boolean() || spec.packed || spec.derived ||
        spec.shape.size() < 3)
      fail(path + ".apart", "is not true or false, of a stack of matrices that "
                            "has sources and is not packed");
    spec.apart = it->get<bool>();
    spec.stored = !spec.apart;
  }
  if (auto it = value.find("stored"); it != value.end()) {
    if (!it->is_boolean())
      fail(path + ".stored", "is not true or false");
    spec.stored = it->get<bool>();
  }
  if (auto it = value.find("blocks"); it != value.end()) {
    if (!it->is_boolean() || !spec.packed)
      fail(path + ".blocks", "is not true or false, of a packed weight");
    spec.blocks = it->get<bool>();
    if (spec.blocks && spec.packed != MARIMBA_F32 &&
        spec.packed != MARIMBA_BF16)
      fail(path + ".packed", "is neither f32 nor bf16 in blocks");
  }
  if (auto it = value.find("quantized"); it != value.end())
    readQuantized(*it, path + ".quantized", spec);
  if (spec.derived != spec.sources.empty())
    fail(path, "weight '" + spec.name +
                   "' needs either sources or \"derived\": true");
  return spec;
}

EntrySpec readEntry(const Json &value, const std::string &path) {
  EntrySpec entry;
  std::set<std::pair<ArgKind, std::string>> seen;
  const Json &args = array(member(value, path, "args"), path + ".args");
  for (size_t i = 0; i < args.size(); ++i) {
    std::string here = path + ".args[" + std::to_string(i) + "]";
    ArgSpec arg;
    readTensor(args[i], here, /*dynamic=*/true, arg);
    std::string kind = text(member(args[i], here, "kind"), here + ".kind");
    if (kind == "input")
      arg.kind = ArgKind::Input;
    else if (kind == "output")
      arg.kind = ArgKind::Output;
    else if (kind == "state")
      arg.kind = ArgKind::State;
    else if (kind == "weight")
      arg.kind = ArgKind::Weight;
    else
      fail(here + ".kind",
           "is '" + kind + "', expected input, output, state or weight");
    if (!seen.insert({arg.kind, arg.name}).second)
      fail(here, "names '" + arg.name + "' a second time");
    entry.args.push_back(std::move(arg));
  }
  return entry;
}

/// Checks a sequence entry against what Session can bind.
void checkSequenceEntry(const EntrySpec &entry, const std::string &path) {
  struct Known {
    ArgKind kind;
    const char *name;
    size_t rank;
    MarimbaDType dtype;
    bool needed;
  };
  static constexpr Known known[] = {
      {ArgKind::Input, "ids", 2, MARIMBA_I32, true},
      {ArgKind::Input, "past", 1, MARIMBA_I32, false},
      {ArgKind::Input, "valid", 1, MARIMBA_I32, false},
      {ArgKind::Input, "positions", 2, MARIMBA_I32, true},
      {ArgKind::Output, "logits", 3, MARIMBA_F32, true},
      {ArgKind::Output, "hidden", 4, MARIMBA_F32, false},
  };
  for (const Known &row : known)
    if (row.needed && !entry.find(row.kind, row.name))
      fail(path, std::string("has no argument '") + row.name + "'");
  for (const ArgSpec &arg : entry.args) {
    std::string found =
        std::string(dtypeName(arg.dtype)) + " " + shapeText(arg.shape);
    if (arg.kind == ArgKind::Weight)
      fail(path,
           "writes the weight '" + arg.name + "', which only prepare may do");
    if (arg.kind == ArgKind::State) {
      bool good = !arg.shape.empty() && arg.shape[0] < 0 &&
                  std::count_if(
                      arg.shape.begin() + 1, arg.shape.end(),
                      [](int64_t size) { return size < 0; }) <= 1;
      if (!good)
        fail(path, "state '" + arg.name + "' is " + found +
                       ", expected a dynamic first size (slots) and at most "
                       "one more (tokens)");
      continue;
    }
    const Known *row =
        std::find_if(std::begin(known), std::end(known), [&](const Known &k) {
          return k.kind == arg.kind && k.name == arg.name;
        });
    if (row == std::end(known))
      fail(path, "has the unknown argument '" + arg.name + "'");
    if (arg.dtype != row->dtype || arg.shape.size() != row->rank)
      fail(path, "argument '" + arg.name + "' is " + found + ", expected " +
                     std::string(dtypeName(row->dtype)) + " of rank " +
                     std::to_string(row->rank));
  }
  const ArgSpec *logits = entry.find(ArgKind::Output, "logits");
  if (logits->shape[2] < 1)
    fail(path, "logits are " + shapeText(logits->shape) +
                   ", expected a vocabulary of static size");
  if (const ArgSpec *hidden = entry.find(ArgKind::Output, "hidden"))
    if (hidden->shape[0] < 1 || hidden->shape[3] < 1)
      fail(path, "hidden is " + shapeText(hidden->shape) +
                     ", expected static first and last sizes");
}

/// `to` has every argument that `from` has, with the same static sizes where
/// both stay beyond a call.
void checkSameStates(const EntrySpec &from, const EntrySpec &to,
                     const std::string &fromPath, const std::string &toPath) {
  for (const ArgSpec &arg : from.args) {
    if (arg.kind != ArgKind::State)
      continue;
    const ArgSpec *other = to.find(ArgKind::State, arg.name);
    if (!other || other->dtype != arg.dtype || other->shape != arg.shape)
      fail(toPath, "state '" + arg.name + "' is " +
                       (other ? std::string(dtypeName(other->dtype)) + " " +
                                    shapeText(other->shape)
                              : "absent") +
                       ", expected " + std::string(dtypeName(arg.dtype)) + " " +
                       shapeText(arg.shape) + " as in " + fromPath);
  }
}

ModuleTables readTables(const Json &root) {
  ModuleTables result;
  const Json &abi = member(root, "description", "abi");
  if (!integerIn(abi, MARIMBA_ABI_VERSION, MARIMBA_ABI_VERSION))
    fail("abi", "is " + abi.dump() + ", this runtime has " +
                    std::to_string(MARIMBA_ABI_VERSION));
  result.name = text(member(root, "description", "name"), "name");
  std::set<std::string> names;
  const Json &weights =
      array(member(root, "description", "weights"), "weights");
  for (size_t i = 0; i < weights.size(); ++i) {
    std::string path = "weights[" + std::to_string(i) + "]";
    result.weights.push_back(readWeight(weights[i], path));
    if (!names.insert(result.weights.back().name).second)
      fail(path, "names '" + result.weights.back().name + "' a second time");
  }
  const Json &entries = member(root, "description", "entries");
  if (!entries.is_object())
    fail("entries",
         std::string("is ") + entries.type_name() + ", expected an object");
  for (const auto &[name, entry] : entries.items())
    result.entries[name] = readEntry(entry, "entries." + name);
  return result;
}

Description read(const Json &root) {
  ModuleTables tables = readTables(root);
  auto entry = [&](const char *name) {
    auto it = tables.entries.find(name);
    if (it == tables.entries.end())
      fail("entries", std::string("has no member '") + name + "'");
    return std::move(it->second);
  };
  Description result;
  result.abi = MARIMBA_ABI_VERSION;
  result.name = std::move(tables.name);
  result.weights = std::move(tables.weights);
  result.prefill = entry("prefill");
  result.decode = entry("decode");
  if (tables.entries.count("prepare"))
    result.prepare = entry("prepare");

  for (const WeightSpec &weight : result.weights)
    if (weight.derived &&
        !(result.prepare && result.prepare->find(ArgKind::Weight, weight.name)))
      fail("entries.prepare",
           "does not write the derived weight '" + weight.name + "'");
  if (result.prepare)
    for (const ArgSpec &arg : result.prepare->args) {
      int64_t index = result.weightIndex(arg.name);
      const WeightSpec *weight = index < 0 ? nullptr : &result.weights[index];
      if (arg.kind != ArgKind::Weight || !weight || !weight->derived ||
          weight->dtype != arg.dtype || weight->shape != arg.shape)
        fail("entries.prepare", "argument '" + arg.name +
                                    "' is not a derived weight of that type "
                                    "and shape");
    }
  checkSequenceEntry(result.prefill, "entries.prefill");
  checkSequenceEntry(result.decode, "entries.decode");
  checkSameStates(result.prefill, result.decode, "prefill", "entries.decode");
  checkSameStates(result.decode, result.prefill, "decode", "entries.prefill");
  result.vocabulary = result.prefill.find(ArgKind::Output, "logits")->shape[2];
  int64_t other = result.decode.find(ArgKind::Output, "logits")->shape[2];
  if (other != result.vocabulary)
    fail("entries.decode", "has a vocabulary of " + std::to_string(other) +
                               ", prefill of " +
                               std::to_string(result.vocabulary));
  return result;
}

} // namespace

const ArgSpec *EntrySpec::find(ArgKind kind, std::string_view name) const {
  for (const ArgSpec &arg : args)
    if (arg.kind == kind && arg.name == name)
      return &arg;
  return nullptr;
}

static int64_t indexOf(const std::vector<WeightSpec> &weights,
                       std::string_view name) {
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i].name == name)
      return static_cast<int64_t>(i);
  return -1;
}

int64_t ModuleTables::weightIndex(std::string_view name) const {
  return indexOf(weights, name);
}

int64_t Description::weightIndex(std::string_view name) const {
  return indexOf(weights, name);
}

std::vector<ArgSpec> Description::states() const {
  std::vector<ArgSpec> result;
  for (const ArgSpec &arg : prefill.args)
    if (arg.kind == ArgKind::State)
      result.push_back(arg);
  return result;
}

/// `read` applied to the JSON; nothing and `error` where it throws.
template <typename T>
static std::optional<T> parseWith(T (*read)(const Json &),
                                  std::string_view json, std::string &error) {
  try {
    return read(parseJsonText(json));
  } catch (const std::exception &exception) {
    error = std::string("module description: ") + exception.what();
    return std::nullopt;
  }
}

std::optional<ModuleTables> ModuleTables::parse(std::string_view json,
                                                std::string &error) {
  return parseWith(readTables, json, error);
}

std::optional<Description> Description::parse(std::string_view json,
                                              std::string &error) {
  return parseWith(read, json, error);
}

} // namespace marimba::rt
