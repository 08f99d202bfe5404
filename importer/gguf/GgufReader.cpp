//===- GgufReader.cpp - Reading the header of a GGUF file -------*- C++ -*-===//
//
// Part of Marimba.
//
// The format: "GGUF", version (u32), number of tensors and of keys (u64 each);
// the keys, each a string, a type (u32) and a value; the tensors, each a name,
// its dimensions, fastest first, a type and an offset; the data, which offsets
// count from, at the next multiple of general.alignment. A string is its length
// (u64) and its bytes; an array is a type, a length (u64) and its elements.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/Gguf.h"
#include "marimba/FileKind.h"
#include "marimba/InputFile.h"
#include "marimba/formats/Format.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <tuple>

namespace mlir::marimba {
namespace {

constexpr uint64_t kLongestKey = 65535, kLongestTensorName = 1024;
constexpr uint32_t kMostDimensions = 4;
constexpr uint64_t kDefaultAlignment = 32, kLargestAlignment = 1 << 20;

/// The types of tensors, as the format numbers them.
struct TensorType {
  uint32_t id;
  StringLiteral name;
};
constexpr TensorType kTensorTypes[] = {
    {0, "F32"},      {1, "F16"},     {2, "Q4_0"},     {3, "Q4_1"},
    {6, "Q5_0"},     {7, "Q5_1"},    {8, "Q8_0"},     {9, "Q8_1"},
    {10, "Q2_K"},    {11, "Q3_K"},   {12, "Q4_K"},    {13, "Q5_K"},
    {14, "Q6_K"},    {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"},  {20, "IQ4_NL"},  {21, "IQ3_S"},
    {22, "IQ2_S"},   {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},
    {26, "I32"},     {27, "I64"},    {28, "F64"},     {29, "IQ1_M"},
    {30, "BF16"},    {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"},
    {40, "NVFP4"},   {41, "Q1_0"},   {42, "Q2_0"},
};

/// Those that llama.cpp had once: it refuses them, too.
constexpr TensorType kRemovedTypes[] = {
    {4, "Q4_2"},        {5, "Q4_3"},        {31, "Q4_0_4_4"},
    {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},   {36, "IQ4_NL_4_4"},
    {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"},
};

const TensorType *lookupTensorType(ArrayRef<TensorType> types, uint32_t id) {
  for (const TensorType &type : types)
    if (type.id == id)
      return &type;
  return nullptr;
}

/// How many elements a block of the type has, in how many bytes.
struct BlockSize {
  uint64_t elements, bytes;
};
/// Nothing of types of which only the name is known: such tensors are listed,
/// and refused where a model wants one.
std::optional<BlockSize> blockSize(StringRef type) {
  if (const auto *format = ::marimba::formats::findFormat(type))
    return BlockSize{uint64_t(format->elements), uint64_t(format->bytes)};
  constexpr std::pair<StringLiteral, uint64_t> integers[] = {
      {"I8", 1}, {"I16", 2}, {"I32", 4}, {"I64", 8}, {"F64", 8}};
  for (auto [name, bytes] : integers)
    if (name == type)
      return BlockSize{1, bytes};
  return std::nullopt;
}

/// Bytes of one value; 0 for strings and arrays, which have none of their own.
uint64_t sizeOf(GgufType type) {
  switch (type) {
  case GgufType::UInt8:
  case GgufType::Int8:
  case GgufType::Bool:
    return 1;
  case GgufType::UInt16:
  case GgufType::Int16:
    return 2;
  case GgufType::UInt32:
  case GgufType::Int32:
  case GgufType::Float32:
    return 4;
  case GgufType::UInt64:
  case GgufType::Int64:
  case GgufType::Float64:
    return 8;
  case GgufType::String:
  case GgufType::Array:
    return 0;
  }
  return 0;
}

} // namespace

std::optional<uint32_t> ggufTensorType(StringRef name) {
  for (const TensorType &type : kTensorTypes)
    if (type.name == name)
      return type.id;
  return std::nullopt;
}

class GgufReader {
public:
  GgufReader(GgufFile &file, ErrorFn emitError)
      : file(file), part(file.fileParts.front()), emitError(emitError) {}

  LogicalResult open(StringRef path);
  LogicalResult run();

private:
  LogicalResult error(const Twine &message) {
    emitError(part.file + ": " + message);
    return failure();
  }
  LogicalResult truncated(const Twine &what, uint64_t needed) {
    return error(what + " needs " + Twine(needed) + " bytes at byte " +
                 Twine(position) + ", but only " + Twine(left()) +
                 " follow: the file is truncated or not GGUF");
  }
  uint64_t left() const { return bytes.size() - position; }
  /// The next `size` bytes.
  LogicalResult take(uint64_t size, const Twine &what, StringRef &result);
  template <typename T> LogicalResult takeInteger(const Twine &what, T &value) {
    StringRef raw;
    if (failed(take(sizeof(T), what, raw)))
      return failure();
    value =
        llvm::support::endian::read<T, llvm::endianness::little>(raw.data());
    return success();
  }
  LogicalResult takeString(const Twine &what, uint64_t longest,
                           StringRef &result);
  LogicalResult takeValue(StringRef key, GgufValue &value);
  LogicalResult takeElements(StringRef key, GgufValue &value);
  LogicalResult takeTensor();
  LogicalResult placeTensors();
  LogicalResult checkApart();

  GgufFile &file;
  GgufPart &part; // the only one yet
  ErrorFn emitError;
  StringRef bytes;
  uint64_t position = 0, alignment = kDefaultAlignment;
};

LogicalResult GgufReader::take(uint64_t size, const Twine &what,
                               StringRef &result) {
  if (size > left())
    return truncated(what, size);
  result = bytes.substr(position, size);
  position += size;
  return success();
}

LogicalResult GgufReader::takeString(const Twine &what, uint64_t longest,
                                     StringRef &result) {
  uint64_t length = 0;
  if (failed(takeInteger("the length of " + what, length)))
    return failure();
  if (length > longest)
    return error(what + " is " + Twine(length) + " bytes long, expected at " +
                 "most " + Twine(longest));
  return take(length, what, result);
}

/// `value.count` elements. Nothing is allocated: they stay in the file.
LogicalResult GgufReader::takeElements(StringRef key, GgufValue &value) {
  std::string what = "key " + quoted(key);
  if (uint64_t size = sizeOf(value.type)) {
    if (value.count > left() / size)
      return error(what + " says it has " + Twine(value.count) +
                   " elements of " + Twine(size) + " bytes, but only " +
                   Twine(left()) + " bytes follow");
    if (failed(take(value.count * size, what, value.bytes)))
      return failure();
    return success();
  }
  uint64_t begin = position;
  if (value.count > left() / sizeof(uint64_t))
    return error(what + " says it has " + Twine(value.count) +
                 " strings, but only " + Twine(left()) + " bytes follow");
  for (uint64_t i = 0; i < value.count; ++i) {
    StringRef element;
    if (failed(takeString(value.isArray ? what + ", element " + Twine(i)
                                        : Twine(what),
                          bytes.size(), element)))
      return failure();
  }
  value.bytes = bytes.slice(begin, position);
  return success();
}

LogicalResult GgufReader::takeValue(StringRef key, GgufValue &value) {
  std::string what = "key " + quoted(key);
  uint32_t type = 0;
  auto takeType = [&](const Twine &of) -> LogicalResult {
    if (failed(takeInteger(of, type)))
      return failure();
    if (type > uint32_t(GgufType::Float64))
      return error(what + " has the value type " + Twine(type) +
                   ", expected 0 to " + Twine(uint32_t(GgufType::Float64)));
    value.type = GgufType(type);
    return success();
  };
  if (failed(takeType("the type of " + what)))
    return failure();
  if (value.type != GgufType::Array)
    return takeElements(key, value);
  value.isArray = true;
  if (failed(takeType("the element type of " + what)) ||
      failed(takeInteger("the length of " + what, value.count)))
    return failure();
  if (value.type == GgufType::Array)
    return error(what + " is an array of arrays, which is not supported");
  return takeElements(key, value);
}

LogicalResult GgufReader::takeTensor() {
  StringRef name;
  if (failed(takeString("the name of tensor " + Twine(file.tensorTable.size()),
                        kLongestTensorName, name)))
    return failure();
  std::string what = "tensor " + quoted(name);
  GgufTensor tensor;
  tensor.name = name.str();
  uint32_t rank = 0, type = 0;
  if (failed(takeInteger("the rank of " + what, rank)))
    return failure();
  if (rank > kMostDimensions)
    return error(what + " has " + Twine(rank) + " dimensions, expected at " +
                 "most " + Twine(kMostDimensions));
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t dim = 0;
    if (failed(takeInteger("the shape of " + what, dim)))
      return failure();
    if (dim > uint64_t(INT64_MAX))
      return error(what + " has a dimension of " + Twine(dim) +
                   ", expected at most " + Twine(INT64_MAX));
    tensor.shape.insert(tensor.shape.begin(), int64_t(dim));
  }
  if (failed(takeInteger("the type of " + what, type)) ||
      failed(takeInteger("the offset of " + what, tensor.offset)))
    return failure();
  if (const TensorType *removed = lookupTensorType(kRemovedTypes, type))
    return error(what + " has type " + removed->name +
                 ", which programs no longer read or write; quantise the model "
                 "again, or get a newer file");
  const TensorType *known = lookupTensorType(kTensorTypes, type);
  if (!known)
    return error(what + " has the unknown type " + Twine(type));
  tensor.type = known->name.str();
  if (std::optional<BlockSize> block = blockSize(known->name)) {
    int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % int64_t(block->elements) != 0)
      return error(what + " has shape " + printShape(tensor.shape) +
                   ", expected rows of whole blocks of " +
                   Twine(block->elements) + " elements as " + known->name +
                   " has them");
    bool overflow = false;
    uint64_t size = block->bytes;
    auto multiply = [&](uint64_t factor) {
      bool now = false;
      size = llvm::SaturatingMultiply(size, factor, &now);
      overflow |= now;
    };
    if (llvm::is_contained(tensor.shape, 0))
      size = 0;
    multiply(uint64_t(row) / block->elements);
    for (int64_t dim : ArrayRef<int64_t>(tensor.shape).drop_back(rank ? 1 : 0))
      multiply(uint64_t(dim));
    if (overflow)
      return error(what + " has shape " + printShape(tensor.shape) +
                   ", which is more than 2^64 bytes");
    tensor.bytes = size;
  }
  if (!file.tensorIndex.try_emplace(name, file.tensorTable.size()).second)
    return error(what + " occurs twice");
  file.tensorTable.push_back(std::move(tensor));
  return success();
}

/// Makes offsets count from the beginning of the file.
LogicalResult GgufReader::placeTensors() {
  uint64_t begin = llvm::alignTo(position, alignment);
  for (GgufTensor &tensor : file.tensorTable) {
    std::string what = "tensor " + quoted(tensor.name);
    uint64_t held = begin > bytes.size() ? 0 : bytes.size() - begin;
    if (tensor.offset % alignment != 0)
      return error(what + " is at offset " + Twine(tensor.offset) +
                   ", expected a multiple of " + Twine(alignment) +
                   " (general.alignment)");
    // Not even an empty one is beyond the file.
    if (begin > bytes.size() || tensor.offset > held ||
        tensor.bytes > held - tensor.offset)
      return error(what + " needs " + Twine(tensor.bytes) +
                   " bytes at offset " + Twine(tensor.offset) +
                   " of the data, but the file holds " + Twine(held) +
                   ": the file is truncated");
    // No more than the file's size: no overflow.
    tensor.offset += begin;
  }
  return success();
}

LogicalResult GgufReader::checkApart() {
  std::vector<const GgufTensor *> order;
  for (const GgufTensor &tensor : file.tensorTable)
    if (tensor.bytes)
      order.push_back(&tensor);
  llvm::sort(order, [](const GgufTensor *a, const GgufTensor *b) {
    return std::tie(a->offset, a->name) < std::tie(b->offset, b->name);
  });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i]->offset < order[i - 1]->offset + order[i - 1]->bytes)
      return error("tensors " + quoted(order[i - 1]->name) + " and " +
                   quoted(order[i]->name) + " overlap");
  return success();
}

LogicalResult GgufReader::open(StringRef path) {
  std::string problem;
  auto input = ::marimba::rt::InputFile::open(path.str(), problem);
  if (!input)
    return error(problem);
  auto buffer = llvm::MemoryBuffer::getOpenFile(
      llvm::sys::fs::convertFDToNativeFile(input->descriptor()), path,
      input->size(), /*RequiresNullTerminator=*/false);
  if (!buffer)
    return error("cannot be read: " + buffer.getError().message());
  part.buffer = std::move(*buffer);
  bytes = part.buffer->getBuffer();
  return success();
}

LogicalResult GgufReader::run() {
  StringRef magic;
  uint32_t version = 0;
  uint64_t tensorCount = 0, keyCount = 0;
  if (failed(take(4, "the magic number", magic)))
    return failure();
  if (magic != "GGUF") {
    if (StringRef kind = ::marimba::rt::fileKind(bytes); !kind.empty())
      return error("is " + kind + ", expected a GGUF file");
    return error("begins with " + quoted(magic) +
                 ", expected 'GGUF': not a GGUF file");
  }
  if (failed(takeInteger("the version", version)))
    return failure();
  if (version != 2 && version != 3)
    return error("is of GGUF version " + Twine(version) + ", expected 2 or 3" +
                 ((version & 0xffff) == 0 ? ": big-endian files are not "
                                            "supported"
                                          : ""));
  part.version = version;
  if (failed(takeInteger("the number of tensors", tensorCount)) ||
      failed(takeInteger("the number of keys", keyCount)))
    return failure();
  // The least that a key (length, type, value) or tensor (length, rank, type,
  // offset) takes: counts bound what is allocated.
  constexpr uint64_t leastKey = 13, leastTensor = 24;
  if (keyCount > left() / leastKey)
    return error("says it has " + Twine(keyCount) + " keys, but only " +
                 Twine(left()) + " bytes follow");
  for (uint64_t i = 0; i < keyCount; ++i) {
    StringRef key;
    GgufValue value;
    if (failed(takeString("key " + Twine(i), kLongestKey, key)) ||
        failed(takeValue(key, value)))
      return failure();
    if (!file.metadata.try_emplace(key, value).second)
      return error("key " + quoted(key) + " occurs twice");
  }
  if (file.find("general.alignment")) {
    std::optional<int64_t> stated = file.getInteger("general.alignment");
    if (!stated || *stated < 1 || uint64_t(*stated) > kLargestAlignment ||
        !llvm::isPowerOf2_64(uint64_t(*stated)))
      return error(file.describe("general.alignment") +
                   ", expected a power of two of at most " +
                   Twine(kLargestAlignment));
    alignment = uint64_t(*stated);
  }
  if (tensorCount > left() / leastTensor)
    return error("says it has " + Twine(tensorCount) + " tensors, but only " +
                 Twine(left()) + " bytes follow");
  file.tensorTable.reserve(tensorCount);
  for (uint64_t i = 0; i < tensorCount; ++i)
    if (failed(takeTensor()))
      return failure();
  return success(succeeded(placeTensors()) && succeeded(checkApart()));
}

FailureOr<GgufFile> GgufFile::openOne(StringRef path, StringRef file,
                                      ErrorFn emitError) {
  GgufFile result;
  result.fileParts.emplace_back().file = file.str();
  GgufReader reader(result, emitError);
  if (failed(reader.open(path)) || failed(reader.run()))
    return failure();
  return result;
}

} // namespace mlir::marimba
