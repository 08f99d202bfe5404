//===- WeightMapping.cpp - Files of weights in memory ---------------------===//

#include "WeightMapping.h"

#include "marimba/InputFile.h"
#include "marimba/formats/Safetensors.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace marimba::rt {

static int64_t nanoseconds(const timespec &time) {
  return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::unique_ptr<Weights::Mapping>
Weights::Mapping::open(const std::filesystem::path &path, uint64_t firstTensor,
                       std::string &problem) {
  std::optional<InputFile> file = InputFile::open(path, problem);
  if (!file)
    return nullptr;
  struct stat status = {};
  if (fstat(file->descriptor(), &status) != 0) {
    problem = std::string("cannot be read: ") + std::strerror(errno);
    return nullptr;
  }
  auto mapping = std::make_unique<Mapping>();
  if (status.st_size > 0) {
    auto size = static_cast<uint64_t>(status.st_size);
    void *data =
        mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->descriptor(), 0);
    if (data == MAP_FAILED) {
      problem = std::string("cannot be mapped: ") + std::strerror(errno);
      return nullptr;
    }
    mapping->data = static_cast<char *>(data);
    mapping->size = size;
  }
  // safetensors: the header. GGUF: all in front of the first tensor in use.
  uint64_t header =
      formats::safetensorsDataOffset({mapping->data, mapping->size});
  if (mapping->size >= 4 && std::memcmp(mapping->data, "GGUF", 4) == 0)
    header =
        std::min<uint64_t>(formats::kLongestSafetensorsHeader, firstTensor);
  mapping->file = {path,
                   mapping->size,
                   nanoseconds(status.st_mtim),
                   nanoseconds(status.st_ctim),
                   {mapping->data, std::min(header, mapping->size)}};
  mapping->device = status.st_dev;
  mapping->node = status.st_ino;
  return mapping;
}

std::string Weights::Mapping::change() const {
  struct stat now = {};
  if (stat(file.path.c_str(), &now) != 0 || now.st_dev != device ||
      now.st_ino != node)
    return {};
  if (static_cast<uint64_t>(now.st_size) == file.bytes &&
      nanoseconds(now.st_mtim) == file.modifiedNs)
    return {};
  return file.path.string() + ": was written to while it was loaded (" +
         std::to_string(file.bytes) + " bytes before, " +
         std::to_string(now.st_size) + " now)";
}

void askFor(const void *data, int64_t bytes) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) / page * page;
  uintptr_t end = reinterpret_cast<uintptr_t>(data) +
                  static_cast<uintptr_t>(std::max<int64_t>(bytes, 0));
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_WILLNEED);
}

bool dropPages(const void *data, int64_t bytes, const char *base,
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

} // namespace marimba::rt
