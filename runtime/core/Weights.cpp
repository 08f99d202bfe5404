//===- Weights.cpp - Mapping and stacking stored tensors ------------------===//

#include "marimba/Weights.h"

#include "StoredCopies.h"
#include "StoredRows.h"
#include "WeightMapping.h"
#include "marimba/ThreadTeam.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

namespace marimba::rt {

namespace {

/// Bytes of a weight up to which it is read as a whole.
constexpr int64_t kSmallTable = int64_t(16) << 20;

/// Bytes of a tensor up to which it is copied, and not read where it is: a page
/// of a file may bring that many others into memory with it.
constexpr uint64_t kSmallTensor = uint64_t(64) << 10;
constexpr uint64_t kHugePage = uint64_t(2) << 20;

std::vector<int64_t> withoutOnes(std::span<const int64_t> shape) {
  std::vector<int64_t> result;
  for (int64_t size : shape)
    if (size != 1)
      result.push_back(size);
  return result;
}

/// Bytes of the last two dimensions; 0 where there are none or too many.
int64_t matrixBytes(const WeightSpec &spec) {
  size_t rank = spec.shape.size();
  int64_t bytes = dtypeSize(spec.dtype);
  if (rank < 2 || __builtin_mul_overflow(bytes, spec.shape[rank - 1], &bytes) ||
      __builtin_mul_overflow(bytes, spec.shape[rank - 2], &bytes))
    return 0;
  return bytes;
}

std::string typeText(MarimbaDType dtype, std::span<const int64_t> shape) {
  return std::string(dtypeName(dtype)) + " " + shapeText(shape);
}

} // namespace

class Weights::Loader {
public:
  Loader(Weights &weights, std::span<const WeightSource> sources, Stacks stacks,
         bool sparse, int threads, std::string &error)
      : weights(weights), stacks(stacks),
        copiesSmall(stacks == Stacks::InPlace && !sparse), threads(threads),
        error(error) {
    for (const WeightSource &source : sources)
      byName.emplace(source.name, &source);
  }

  bool bind(const WeightSpec &spec) {
    std::vector<const WeightSource *> parts;
    for (const std::string &name : spec.sources) {
      auto it = byName.find(name);
      if (it == byName.end()) {
        error = "tensor '" + name +
                "' is in none of the model's files (for "
                "the weight '" +
                spec.name + "', " + typeText(spec.dtype, spec.shape) + ")";
        return false;
      }
      parts.push_back(it->second);
      if (!checkTensor(spec, *it->second))
        return false;
    }
    return (spec.quantized ? checkBytes(spec, parts)
                           : checkShapes(spec, parts)) &&
           place(spec, parts);
  }

private:
  bool fail(const WeightSource &source, const std::string &what) {
    error = source.file.string() + ": tensor '" + source.name + "' " + what;
    return false;
  }

  /// Type, size in bytes, and that the file holds it.
  bool checkTensor(const WeightSpec &spec, const WeightSource &source) {
    if (source.dtype != spec.dtype && !spec.quantized)
      return fail(source, "is " + std::string(dtypeName(source.dtype)) +
                              ", expected " +
                              std::string(dtypeName(spec.dtype)) +
                              " (weight '" + spec.name + "')");
    if (storedBytes(source) != source.bytes)
      return fail(source, "has " + std::to_string(source.bytes) +
                              " bytes, which is not the size of " +
                              typeText(source.dtype, source.shape));
    return checkRange(source, source.file, source.offset, source.bytes) &&
           (!source.other ||
            checkRange(source, source.other->file, source.other->offset,
                       source.other->bytes));
  }

  bool checkRange(const WeightSource &source, const std::filesystem::path &file,
                  uint64_t offset, uint64_t bytes) {
    const Mapping *mapping = map(file);
    if (!mapping)
      return false;
    if (offset > mapping->size || bytes > mapping->size - offset)
      return fail(source, "needs " + std::to_string(bytes) +
                              " bytes at offset " + std::to_string(offset) +
                              ", but the file has only " +
                              std::to_string(mapping->size) +
                              " bytes: it is incomplete");
    return true;
  }

  /// That the parts, one after the other, are the weight.
  bool checkShapes(const WeightSpec &spec,
                   const std::vector<const WeightSource *> &parts) {
    std::vector<int64_t> wanted = withoutOnes(spec.shape);
    if (parts.size() == 1) {
      if (withoutOnes(parts[0]->shape) != wanted)
        return fail(*parts[0], "has the shape " + shapeText(parts[0]->shape) +
                                   ", expected " + shapeText(spec.shape) +
                                   " (weight '" + spec.name + "')");
      return true;
    }
    int64_t total = 0;
    for (const WeightSource *part : parts) {
      std::vector<int64_t> shape = withoutOnes(part->shape);
      // Either slices of the weight, all alike, or pieces along dimension 0.
      bool slice =
          part->shape == parts[0]->shape && shape.size() < wanted.size();
      bool piece = shape.size() == wanted.size();
      size_t tail = shape.empty() ? 0 : shape.size() - 1;
      if (!(slice || piece) || tail > wanted.size() ||
          !std::equal(shape.end() - static_cast<ptrdiff_t>(tail), shape.end(),
                      wanted.end() - static_cast<ptrdiff_t>(tail)))
        return fail(*part,
                    "has the shape " + shapeText(part->shape) +
                        ", expected one of " + std::to_string(parts.size()) +
                        " parts along dimension 0 of " + shapeText(spec.shape) +
                        " (weight '" + spec.name + "')");
      total += *elementCount(part->shape);
    }
    if (total != *elementCount(spec.shape)) {
      fail(*parts[0], "and " + std::to_string(parts.size() - 1) +
                          " more have " + std::to_string(total) +
                          " elements together, expected the " +
                          std::to_string(*elementCount(spec.shape)) + " of " +
                          typeText(spec.dtype, spec.shape) + " (weight '" +
                          spec.name + "')");
      return false;
    }
    return true;
  }

  /// That each part of each matrix has its size: their types are theirs.
  bool checkBytes(const WeightSpec &spec,
                  const std::vector<const WeightSource *> &parts) {
    std::vector<formats::PartKind> kinds = spec.quantized->parts();
    for (size_t i = 0; i < parts.size(); ++i) {
      int64_t size = spec.quantized->partBytes(kinds[i % kinds.size()]);
      // Other programs' files may have fewer.
      int64_t bytes =
          *elementCount(parts[i]->shape) * dtypeSize(parts[i]->dtype);
      if (bytes != size)
        return fail(*parts[i], "has " + std::to_string(bytes) +
                                   " bytes, expected " + std::to_string(size) +
                                   " (weight '" + spec.name + "')");
    }
    return true;
  }

  bool place(const WeightSpec &spec,
             const std::vector<const WeightSource *> &parts) {
    auto address = [&](const WeightSource &source) {
      return map(source.file)->data + source.offset;
    };
    auto otherAddress = [&](const WeightSource &source) -> const char * {
      return source.other ? map(source.other->file)->data + source.other->offset
                          : nullptr;
    };
    bool plain = std::all_of(parts.begin(), parts.end(),
                             [](auto *part) { return isPlain(*part); });
    bool small = parts.size() == 1 && !spec.packed && !spec.quantized &&
                 copiesSmall && isSmall(*parts[0]);
    if (plain && !small && parts[0]->bytes > 0 && followEachOther(parts)) {
      char *data = address(*parts[0]);
      // Kernels stream quantised weights: a line is to belong to one vector.
      int64_t alignment =
          spec.quantized ? MARIMBA_ALIGNMENT : dtypeSize(spec.dtype);
      if (reinterpret_cast<uintptr_t>(data) %
              static_cast<uintptr_t>(alignment) ==
          0) {
        weights.tensors.push_back(makeTensor(data, spec.dtype, spec.shape));
        return true;
      }
    }
    if (plain && stacks == Stacks::InPlace && (spec.packed || spec.apart) &&
        !spec.stored && leaveApart(spec, parts))
      return true;
    if (!weights.allocate(spec, error))
      return false;
    char *to = weights.buffers.back().data();
    std::vector<StoredCopy> copies;
    for (const WeightSource *part : parts) {
      if (part->bytes)
        copies.push_back({part, address(*part), otherAddress(*part), to});
      to += *elementCount(part->shape) * dtypeSize(part->dtype);
    }
    copyStored(
        copies, threads,
        [&](const char *data, int64_t bytes) { askFor(data, bytes); },
        [&](const char *data, int64_t bytes) {
          weights.release({nullptr, data}, bytes);
        });
    return true;
  }

  /// Whether it is small beside what a page of its file may bring into memory.
  bool isSmall(const WeightSource &source) {
    return source.bytes <= kSmallTensor && map(source.file)->size > kHugePage;
  }

  /// Whether each part begins where the one before it ends.
  static bool followEachOther(const std::vector<const WeightSource *> &parts) {
    for (size_t i = 1; i < parts.size(); ++i)
      if (parts[i]->file != parts[0]->file ||
          parts[i]->offset != parts[i - 1]->offset + parts[i - 1]->bytes)
        return false;
    return true;
  }

  /// Reserves the addresses of the weight; its matrices stay where they are.
  /// False where the parts do not consist of whole matrices or there is no
  /// address space.
  bool leaveApart(const WeightSpec &spec,
                  const std::vector<const WeightSource *> &parts) {
    auto bytes = static_cast<uint64_t>(matrixBytes(spec));
    std::vector<const void *> places;
    for (const WeightSource *part : parts) {
      if (bytes == 0 || part->bytes % bytes != 0)
        return false;
      for (uint64_t at = 0; at < part->bytes; at += bytes)
        places.push_back(map(part->file)->data + part->offset + at);
    }
    auto range = std::make_unique<Mapping>();
    range->size = bytes * places.size();
    void *data = mmap(nullptr, range->size, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
      return false;
    range->data = static_cast<char *>(data);
    weights.apart[weights.tensors.size()] = std::move(places);
    weights.tensors.push_back(makeTensor(data, spec.dtype, spec.shape));
    weights.reserved.push_back(std::move(range));
    return true;
  }

  /// The mapping of a file, made at first use; null and `error`
  /// where it cannot be read.
  const Mapping *map(const std::filesystem::path &path) {
    auto [it, fresh] = byFile.try_emplace(path, nullptr);
    if (!fresh)
      return it->second;
    std::string problem;
    auto mapping = Mapping::open(path, firstOf(path), problem);
    if (!mapping) {
      error = path.string() + ": " + problem;
      return nullptr;
    }
    it->second = mapping.get();
    weights.mappings.push_back(std::move(mapping));
    return it->second;
  }

  /// Where the first tensor in use of a file begins.
  uint64_t firstOf(const std::filesystem::path &path) const {
    uint64_t first = UINT64_MAX;
    for (const auto &[name, source] : byName)
      if (source->file == path)
        first = std::min(first, source->offset);
    return first;
  }

  Weights &weights;
  Stacks stacks;
  /// Where only some pages are to be read, none are read ahead.
  bool copiesSmall;
  int threads;
  std::string &error;
  std::unordered_map<std::string, const WeightSource *> byName;
  std::map<std::filesystem::path, const Mapping *> byFile;
};

Weights::Weights() = default;
Weights::~Weights() = default;

bool Weights::allocate(const WeightSpec &spec, std::string &error) {
  int64_t bytes = 0;
  std::optional<AlignedBuffer> buffer;
  if (!__builtin_mul_overflow(*elementCount(spec.shape), dtypeSize(spec.dtype),
                              &bytes))
    buffer = AlignedBuffer::zeroed(bytes);
  if (!buffer) {
    error = "no memory for the weight '" + spec.name + "', " +
            typeText(spec.dtype, spec.shape);
    return false;
  }
  tensors.push_back(makeTensor(buffer->data(), spec.dtype, spec.shape));
  buffers.push_back(std::move(*buffer));
  return true;
}

int64_t Weights::ownBytes() const {
  int64_t bytes = -forgotten;
  for (const AlignedBuffer &buffer : buffers)
    bytes += buffer.size();
  return bytes;
}

std::vector<StoredMatrix> Weights::matrices(size_t index,
                                            const WeightSpec &spec) const {
  std::vector<StoredMatrix> result;
  const char *key = static_cast<const char *>(tensors[index].data);
  auto found = apart.find(index);
  int64_t bytes = matrixBytes(spec), count = 1;
  for (size_t i = 0; i + 2 < spec.shape.size(); ++i)
    count *= spec.shape[i];
  for (int64_t i = 0; i < count; ++i, key += bytes)
    result.push_back(
        {key, found == apart.end() ? key : found->second[size_t(i)]});
  return result;
}

std::vector<WeightFile> Weights::files() const {
  std::vector<WeightFile> result;
  for (const auto &mapping : mappings)
    result.push_back(mapping->file);
  std::sort(
      result.begin(), result.end(),
      [](const WeightFile &a, const WeightFile &b) { return a.path < b.path; });
  return result;
}

bool Weights::checkUnchanged(std::string &error) const {
  for (const auto &mapping : mappings)
    if (std::string change = mapping->change(); !change.empty()) {
      error = std::move(change);
      return false;
    }
  return true;
}

void Weights::release(const StoredMatrix &matrix, int64_t bytes) const {
  // Nobody has written to those of files.
  for (const auto &mapping : mappings)
    dropPages(matrix.data, bytes, mapping->data, mapping->size);
}

bool Weights::forget(const StoredMatrix &matrix, int64_t bytes) const {
  for (const AlignedBuffer &buffer : buffers)
    if (dropPages(matrix.data, bytes, buffer.data(),
                  static_cast<uint64_t>(buffer.size()))) {
      forgotten += bytes;
      return true;
    }
  return false;
}

void Weights::releaseFiles() const {
  for (const auto &mapping : mappings)
    release({nullptr, mapping->data}, static_cast<int64_t>(mapping->size));
}

void Weights::willRead(const void *data, int64_t bytes) const {
  if (sparse)
    askFor(data, bytes);
}

void Weights::readSparsely(const Description &description) {
  for (const auto &mapping : mappings)
    madvise(mapping->data, mapping->size, MADV_RANDOM);
  sparse = !mappings.empty();
  for (size_t i = 0; i < description.weights.size(); ++i) {
    const WeightSpec &spec = description.weights[i];
    int64_t bytes = *elementCount(spec.shape) * dtypeSize(spec.dtype);
    // Of a large table that code reads as it is stored, it reads some rows.
    if (!spec.derived && !spec.packed && !spec.apart &&
        (spec.quantized || bytes <= kSmallTable))
      willRead(tensors[i].data, bytes);
  }
}

std::unique_ptr<Weights> Weights::load(const Description &description,
                                       std::span<const WeightSource> sources,
                                       std::string &error, Stacks stacks,
                                       int threads) {
  std::unique_ptr<Weights> result(new Weights);
  bool sparse =
      std::any_of(description.weights.begin(), description.weights.end(),
                  [](const WeightSpec &spec) { return spec.apart; });
  Loader loader(*result, sources, stacks, sparse, threads, error);
  bool bound = true;
  onTeam(threads, [&] {
    for (const WeightSpec &spec : description.weights)
      bound = bound && (spec.derived ? result->allocate(spec, error)
                                     : loader.bind(spec));
  });
  if (!bound)
    return nullptr;
  if (sparse)
    result->readSparsely(description);
  return result;
}

std::unique_ptr<Weights> Weights::generate(const Description &description,
                                           const WeightProvider &provider,
                                           std::string &error) {
  std::unique_ptr<Weights> result(new Weights);
  for (const WeightSpec &spec : description.weights) {
    if (!result->allocate(spec, error))
      return nullptr;
    if (!spec.derived && !provider.fill(spec, result->tensors.back(), error))
      return nullptr;
  }
  return result;
}

} // namespace marimba::rt
