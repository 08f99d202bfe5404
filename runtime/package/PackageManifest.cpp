//===- PackageManifest.cpp - model.json -----------------------------------===//

#include "PackageFile.h"
#include "marimba/Package.h"
#include "marimba/Units.h"

#include "../core/FileHeader.h"
#include "../tokenizer/Field.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <limits>

namespace marimba::rt {

namespace fs = std::filesystem;
using text::Field;
using text::FieldError;
using text::Json;

static constexpr int64_t kMostThreads = 1024, kLongestChunk = 1 << 20;
static constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
static constexpr size_t kDigestDigits = 32;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static int64_t integer(const Field &field, int64_t least,
                       int64_t most = kHighest) {
  const Json &value = field.json();
  if (!value.is_number_integer())
    field.failType("an integer");
  std::optional<int64_t> number = integerIn(value, least, most);
  if (!number)
    field.fail("is " + value.dump() + ", allowed: " + std::to_string(least) +
               " to " + std::to_string(most));
  return *number;
}

static std::string string(const Field &field) {
  std::string result(field.getString());
  if (result.find('\0') != std::string::npos)
    field.fail("has a zero byte in it");
  return result;
}

static std::string digest(const Field &field) {
  std::string result = string(field);
  if (result.size() != kDigestDigits ||
      result.find_first_not_of("0123456789abcdef") != std::string::npos)
    field.fail("is " + text::quote(result) + ", expected 32 digits");
  return result;
}

/// The name of a file in a folder, or in folders below that.
static std::string nameBelow(const Field &field) {
  std::string result = string(field);
  fs::path path(result);
  if (result.empty() || path.is_absolute() || !path.has_filename() ||
      std::find(path.begin(), path.end(), "..") != path.end())
    field.fail("is " + text::quote(result) +
               ", expected the name of a file in the folder");
  return result;
}

static PackagedFile packagedFile(const Field &field, const char *key) {
  PackagedFile file;
  file.name = nameBelow(field.at(key));
  file.bytes = static_cast<uint64_t>(integer(field.at("bytes"), 0));
  return file;
}

static ModelFacts readFacts(const Field &field) {
  ModelFacts facts;
  facts.name = string(field.at("name"));
  for (const Field &id : field.at("end_ids").items())
    facts.endIds.push_back(id.getId());
  facts.threads =
      static_cast<int32_t>(integer(field.at("threads"), 1, kMostThreads));
  // Empty where the configuration could not be read any more.
  facts.configuration = string(field.at("configuration"));
  facts.meaning = digest(field.at("meaning"));
  for (const Field &entry : field.at("arithmetic").items()) {
    std::vector<Field> pair = entry.items();
    if (pair.size() != 2)
      entry.fail("has " + std::to_string(pair.size()) +
                 " elements, expected a name and a value");
    facts.arithmetic.emplace_back(string(pair[0]), string(pair[1]));
  }
  return facts;
}

static WeightSource readWeight(const Field &field,
                               const std::vector<PackagedFile> &files) {
  WeightSource weight;
  weight.name = string(field.at("name"));
  int64_t last = static_cast<int64_t>(files.size()) - 1;
  weight.file =
      files[static_cast<size_t>(integer(field.at("file"), 0, last))].name;
  weight.offset = static_cast<uint64_t>(integer(field.at("offset"), 0));
  weight.bytes = static_cast<uint64_t>(integer(field.at("bytes"), 0));
  Field dtype = field.at("dtype");
  if (std::optional<MarimbaDType> parsed = parseDtype(dtype.getString()))
    weight.dtype = *parsed;
  else
    dtype.fail("is " + text::quote(dtype.getString()) + ", expected a type");
  Field shape = field.at("shape");
  for (const Field &size : shape.items())
    weight.shape.push_back(integer(size, 0));
  if (!elementCount(weight.shape))
    shape.fail("is " + shapeText(weight.shape) + ", which is too large");
  if (std::optional<Field> blocks = field.find("blocks")) {
    std::optional<formats::Stored> parsed =
        formats::Stored::parse(blocks->getString());
    if (!parsed)
      blocks->fail("is " + text::quote(blocks->getString()) +
                   ", which is not known");
    weight.stored = *parsed;
  }
  if (std::optional<Field> heads = field.find("interleaved_heads"))
    weight.interleavedHeads = integer(*heads, 0);
  constexpr int64_t most = int64_t(1) << 44; // as Layout::fits()
  if (std::optional<Field> channels = field.find("channels"))
    weight.channels = integer(*channels, 0, most);
  if (std::optional<Field> each = field.find("channels_each"))
    weight.channelsEach = integer(*each, 1, most);
  if (std::optional<Field> each = field.find("groups_each"))
    weight.groupsEach = integer(*each, 1, most);
  if (std::optional<Field> other = field.find("other"))
    weight.other = OtherTensor{
        files[static_cast<size_t>(integer(other->at("file"), 0, last))].name,
        static_cast<uint64_t>(integer(other->at("offset"), 0)),
        static_cast<uint64_t>(integer(other->at("bytes"), 0))};
  return weight;
}

/// Before all else: what follows may mean something else in another format.
static void checkVersions(const Field &root) {
  Field format = root.at("format"), abi = root.at("abi");
  int64_t found = integer(format, 0);
  if (found != PackageManifest::kFormat)
    format.fail("is " + std::to_string(found) + ", this library reads " +
                std::to_string(PackageManifest::kFormat) +
                ": compile the model again");
  found = integer(abi, 0);
  if (found != MARIMBA_ABI_VERSION)
    abi.fail("is " + std::to_string(found) + ", this library has " +
             std::to_string(MARIMBA_ABI_VERSION) + ": compile the model again");
}

/// Of the table of weights, as text: a place that is wrong by an accident would
/// be read without a complaint. The rest may be edited.
static std::string tableChecksum(const Json &weights) {
  return PackageManifest::checksum(weights.dump());
}

static PackageManifest readManifest(const Field &root) {
  checkVersions(root);
  PackageManifest result;
  Field model = root.at("model"), code = root.at("code");
  result.facts = readFacts(model);
  result.vocabulary =
      integer(model.at("vocabulary"), 1, std::numeric_limits<int32_t>::max());
  result.chunk = integer(model.at("chunk"), 1, kLongestChunk);
  Field processor = root.at("processor");
  result.processor = string(processor.at("name"));
  for (const Field &feature : processor.at("features").items())
    result.features.push_back(string(feature));
  if (std::optional<Field> isa = processor.find("isa")) {
    result.isa = string(*isa);
    if (!findUnit(result.isa))
      isa->fail("is " + text::quote(result.isa) + ", expected " + unitNames());
  }
  result.code = packagedFile(code, "file");
  result.codeChecksum = digest(code.at("checksum"));
  Field directory = root.at("directory");
  result.directory = string(directory);
  if (result.directory.empty())
    directory.fail("is empty, expected the path of the model's directory");
  if (std::optional<Field> tokenizer = root.find("tokenizer"))
    result.tokenizer = nameBelow(*tokenizer);
  if (std::optional<Field> tokenizer = root.find("gguf_tokenizer"))
    result.ggufTokenizer = nameBelow(*tokenizer);
  for (const Field &file : root.at("files").items())
    result.files.push_back(packagedFile(file, "name"));
  result.fingerprint = digest(root.at("fingerprint"));
  Field weights = root.at("weights");
  for (const Field &weight : weights.items())
    result.weights.push_back(readWeight(weight, result.files));
  if (digest(root.at("weights_checksum")) != tableChecksum(weights.json()))
    weights.fail("is not what weights_checksum was made of: it was altered");
  return result;
}

std::optional<PackageManifest> PackageManifest::parse(std::string_view text,
                                                      std::string &error) {
  try {
    Json json = text::parseJson(text);
    return readManifest(Field(json));
  } catch (const std::exception &exception) {
    error = exception.what();
    return std::nullopt;
  }
}

bool isPackage(const fs::path &path) {
  // Whatever it is: reading it says what is wrong with it. A model's directory
  // may have a file of this name, too.
  return isThere(path / PackageManifest::kFileName) &&
         !isThere(path / "config.json");
}

std::optional<PackageManifest> PackageManifest::read(const fs::path &package,
                                                     std::string &error) {
  fs::path path = package / kFileName;
  if (!isThere(path)) {
    std::error_code code;
    error = package.string() + ": expected a compiled model, a folder with " +
            kFileName + ", found " +
            (fs::exists(package, code) ? "none in it" : "nothing");
    return std::nullopt;
  }
  std::optional<std::string> text = readNamed(path, kLongestText, error);
  if (!text)
    return std::nullopt;
  std::optional<PackageManifest> result = parse(*text, error);
  if (!result)
    error = path.string() + ": " + error;
  return result;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static Json describe(const WeightSource &weight,
                     const std::vector<PackagedFile> &files) {
  auto indexOf = [&](const std::filesystem::path &name) {
    return std::find_if(
               files.begin(), files.end(),
               [&](const PackagedFile &file) { return file.name == name; }) -
           files.begin();
  };
  Json json = {{"name", weight.name},     {"file", indexOf(weight.file)},
               {"offset", weight.offset}, {"bytes", weight.bytes},
               {"shape", weight.shape},   {"dtype", dtypeName(weight.dtype)}};
  if (!weight.stored.isPlain())
    json["blocks"] = weight.stored.name();
  if (weight.interleavedHeads)
    json["interleaved_heads"] = weight.interleavedHeads;
  if (weight.channels)
    json["channels"] = weight.channels;
  if (weight.channelsEach != 1)
    json["channels_each"] = weight.channelsEach;
  if (weight.groupsEach != 1)
    json["groups_each"] = weight.groupsEach;
  if (weight.other)
    json["other"] = {{"file", indexOf(weight.other->file)},
                     {"offset", weight.other->offset},
                     {"bytes", weight.other->bytes}};
  return json;
}

std::optional<std::string> PackageManifest::text(std::string &error) const {
  Json arithmetic = Json::array(), fileList = Json::array(),
       weightList = Json::array();
  for (const auto &[name, value] : facts.arithmetic)
    arithmetic.push_back({name, value});
  for (const PackagedFile &file : files)
    fileList.push_back({{"name", file.name}, {"bytes", file.bytes}});
  for (const WeightSource &weight : weights)
    weightList.push_back(describe(weight, files));
  try {
    std::string checksum = tableChecksum(weightList);
    Json json = {
        {"format", kFormat},
        {"abi", MARIMBA_ABI_VERSION},
        {"model",
         {{"name", facts.name},
          {"vocabulary", vocabulary},
          {"end_ids", facts.endIds},
          {"threads", facts.threads},
          {"chunk", chunk},
          {"configuration", facts.configuration},
          {"meaning", facts.meaning},
          {"arithmetic", std::move(arithmetic)}}},
        {"processor", {{"name", processor}, {"features", features}}},
        {"code",
         {{"file", code.name},
          {"bytes", code.bytes},
          {"checksum", codeChecksum}}},
        {"directory", directory.string()},
        {"tokenizer", tokenizer.empty() ? Json(nullptr) : Json(tokenizer)},
        {"files", std::move(fileList)},
        {"fingerprint", fingerprint},
        {"weights_checksum", checksum},
        {"weights", std::move(weightList)},
    };
    if (!isa.empty())
      json["processor"]["isa"] = isa;
    if (!ggufTokenizer.empty())
      json["gguf_tokenizer"] = ggufTokenizer;
    return json.dump(1) + "\n";
  } catch (const Json::exception &) {
    error = directory.string() + ": a name in it, or its own, is not UTF-8";
    return std::nullopt;
  }
}

std::string PackageManifest::checksum(std::span<const char> code) {
  return header::hex(XXH3_128bits(code.data(), code.size()));
}

} // namespace marimba::rt
