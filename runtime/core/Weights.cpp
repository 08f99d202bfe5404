//===- Weights.cpp - Mapping and stacking stored tensors ------------------===//

#include "marimba/Weights.h"

#include "StoredCopies.h"
#include "StoredRows.h"
#include "marimba/InputFile.h"
#include "marimba/ThreadTeam.h"
#include "marimba/formats/Safetensors.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

namespace marimba::rt {

struct Weights::Mapping {
  char *data = nullptr;
  uint64_t size = 0;
  WeightFile file;
  dev_t device = 0; // with `node`: the same file, whatever its name
  ino_t node = 0;
  ~Mapping() {
    if (data)
      munmap(data, size);
  }
};

namespace {

/// Bytes of a weight up to which it is read as a whole.
constexpr int64_t kSmallTable = int64_t(16) << 20;

/// Bytes of a tensor up to which it is copied, and not read where it is.
constexpr uint64_t kSmallTensor = uint64_t(64) << 10;

int64_t nanoseconds(const timespec &time) {
  return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

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

/// Asks the system to read the pages of `bytes` bytes from `data` on.
void askFor(const void *data, int64_t bytes) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) / page * page;
  uintptr_t end = reinterpret_cast<uintptr_t>(data) +
                  static_cast<uintptr_t>(std::max<int64_t>(bytes, 0));
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_WILLNEED);
}

std::string typeText(MarimbaDType dtype, std::span<const int64_t> shape) {
  return std::string(dtypeName(dtype)) + " " + shapeText(shape);
}

} // namespace

class Weights::Loader {
public:
  Loader(Weights &weights, std::span<const WeightSource> sources, Stacks stacks,
         int threads, std::string &error)
      : weights(weights), stacks(stacks), threads(threads), error(error) {
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
    // A page of a file may bring two megabytes of others into memory with it.
    bool small = stacks == Stacks::InPlace && parts.size() == 1 &&
                 parts[0]->bytes <= kSmallTensor && !spec.packed &&
                 !spec.apart && !spec.quantized;
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
    auto fail = [&](const std::string &problem) {
      error = path.string() + ": " + problem;
      return nullptr;
    };
    std::string problem;
    std::optional<InputFile> file = InputFile::open(path, problem);
    struct stat status = {};
    if (!file)
      return fail(problem);
    if (fstat(file->descriptor(), &status) != 0)
      return fail(std::string("cannot be read: ") + std::strerror(errno));
    auto mapping = std::make_unique<Mapping>();
    if (status.st_size > 0) {
      auto size = static_cast<uint64_t>(status.st_size);
      void *data =
          mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->descriptor(), 0);
      if (data == MAP_FAILED)
        return fail(std::string("cannot be mapped: ") + std::strerror(errno));
      mapping->data = static_cast<char *>(data);
      mapping->size = size;
    }
    describe(*mapping, path, status);
    it->second = mapping.get();
    weights.mappings.push_back(std::move(mapping));
    return it->second;
  }

  void describe(Mapping &mapping, const std::filesystem::path &path,
                const struct stat &status) {
    // safetensors: the header. GGUF: all in front of the first tensor in use.
    uint64_t header =
        formats::safetensorsDataOffset({mapping.data, mapping.size});
    if (mapping.size >= 4 && std::memcmp(mapping.data, "GGUF", 4) == 0) {
      header = formats::kLongestSafetensorsHeader;
      for (const auto &[name, source] : byName)
        if (source->file == path)
          header = std::min(header, source->offset);
    }
    mapping.file = {path,
                    mapping.size,
                    nanoseconds(status.st_mtim),
                    nanoseconds(status.st_ctim),
                    {mapping.data, std::min(header, mapping.size)}};
    mapping.device = status.st_dev;
    mapping.node = status.st_ino;
  }

  Weights &weights;
  Stacks stacks;
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
  for (const auto &mapping : mappings) {
    const WeightFile &was = mapping->file;
    struct stat now = {};
    if (stat(was.path.c_str(), &now) != 0 || now.st_dev != mapping->device ||
        now.st_ino != mapping->node)
      continue;
    if (static_cast<uint64_t>(now.st_size) == was.bytes &&
        nanoseconds(now.st_mtim) == was.modifiedNs)
      continue;
    error = was.path.string() + ": was written to while it was loaded (" +
            std::to_string(was.bytes) + " bytes before, " +
            std::to_string(now.st_size) + " now)";
    return false;
  }
  return true;
}

/// Whether [data, data + bytes) is within the `size` bytes at `base`; then
/// drops the pages that belong to it alone.
static bool dropPages(const void *data, int64_t bytes, const char *base,
                      uint64_t size) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<uintptr_t>(data);
  uintptr_t end = begin + static_cast<uintptr_t>(bytes);
  auto owner = reinterpret_cast<uintptr_t>(base);
  if (begin < owner || end > owner + size)
    return false;
  uintptr_t first = (begin + page - 1) / page * page;
  uintptr_t last = end / page * page;
  if (first < last)
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
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
  Loader loader(*result, sources, stacks, threads, error);
  bool bound = true;
  onTeam(threads, [&] {
    for (const WeightSpec &spec : description.weights)
      bound = bound && (spec.derived ? result->allocate(spec, error)
                                     : loader.bind(spec));
  });
  if (!bound)
    return nullptr;
  if (std::any_of(description.weights.begin(), description.weights.end(),
                  [](const WeightSpec &spec) { return spec.apart; }))
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
