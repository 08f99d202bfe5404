//===- SafetensorsWriter.cpp - Tensors to a file --------------------------===//

#include "marimba/SafetensorsWriter.h"

#include "marimba/Tensor.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace marimba::rt {

namespace {

const char *fileDtype(MarimbaDType dtype) {
  switch (dtype) {
  case MARIMBA_F32:
    return "F32";
  case MARIMBA_F16:
    return "F16";
  case MARIMBA_BF16:
    return "BF16";
  case MARIMBA_I32:
    return "I32";
  case MARIMBA_I64:
    return "I64";
  case MARIMBA_I8:
    return "I8";
  }
  throw std::runtime_error("unknown element type");
}

uint64_t byteCount(const NamedTensor &tensor) {
  std::optional<int64_t> count = elementCount(tensor.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, dtypeSize(tensor.dtype), &bytes))
    throw std::runtime_error("tensor '" + tensor.name + "' has the shape " +
                             shapeText(tensor.shape));
  return static_cast<uint64_t>(bytes);
}

std::string
makeHeader(std::span<const NamedTensor> tensors,
           std::span<const std::pair<std::string, std::string>> metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto &[key, value] : metadata)
    header["__metadata__"][key] = value;
  uint64_t offset = 0;
  for (const NamedTensor &tensor : tensors) {
    if (tensor.name == "__metadata__" || header.contains(tensor.name))
      throw std::runtime_error("two tensors are named '" + tensor.name + "'");
    uint64_t end = offset + byteCount(tensor);
    header[tensor.name] = {{"dtype", fileDtype(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  // Data begins at a multiple of 8 (the length itself takes 8).
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

/// A file that disappears unless it is renamed.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::filesystem::path &target)
      : name(target.string() + ".XXXXXX"), file(mkstemp(name.data())) {
    if (file < 0)
      throwErrno("cannot be created");
  }
  ~TemporaryFile() {
    if (file >= 0)
      close(file);
    if (!name.empty())
      unlink(name.c_str());
  }
  void write(const void *data, uint64_t bytes) {
    auto *from = static_cast<const char *>(data);
    while (bytes > 0) {
      ssize_t done = ::write(file, from, bytes);
      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        throwErrno("cannot be written");
      from += done;
      bytes -= static_cast<uint64_t>(done);
    }
  }
  void renameTo(const std::filesystem::path &target) {
    // mkstemp made it private: give it what open() would have.
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file, 0666 & ~mask) != 0 || fsync(file) != 0)
      throwErrno("cannot be written");
    int closing = std::exchange(file, -1);
    if (close(closing) != 0)
      throwErrno("cannot be written");
    if (std::rename(name.c_str(), target.c_str()) != 0)
      throwErrno("cannot take its name");
    name.clear();
  }

private:
  [[noreturn]] static void throwErrno(const char *what) {
    throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  }
  std::string name;
  int file;
};

} // namespace

bool writeSafetensors(
    const std::filesystem::path &path, std::span<const NamedTensor> tensors,
    std::string &error,
    std::span<const std::pair<std::string, std::string>> metadata) {
  try {
    std::string header = makeHeader(tensors, metadata);
    unsigned char length[8];
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<unsigned char>(header.size() >> (8 * i));
    // A link is followed; a device or a pipe must not be replaced by a file.
    std::error_code none;
    std::filesystem::path target = std::filesystem::canonical(path, none);
    if (none)
      target = path;
    else if (!std::filesystem::is_regular_file(target))
      throw std::runtime_error("is not a regular file");
    TemporaryFile file(target);
    file.write(length, sizeof(length));
    file.write(header.data(), header.size());
    for (const NamedTensor &tensor : tensors)
      file.write(tensor.data, byteCount(tensor));
    file.renameTo(target);
    return true;
  } catch (const std::exception &exception) {
    error = path.string() + ": " + exception.what();
    return false;
  }
}

} // namespace marimba::rt
