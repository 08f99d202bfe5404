//===- FuzzFile.h - Inputs of fuzzers as files ------------------*- C++ -*-===//

#ifndef MARIMBA_TEST_FUZZ_FUZZFILE_H
#define MARIMBA_TEST_FUZZ_FUZZFILE_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace marimba::fuzz {

/// A folder of the process in memory, which goes with it.
class Folder {
public:
  Folder() {
    char name[] = "/dev/shm/marimba-fuzz-XXXXXX";
    if (!mkdtemp(name))
      std::abort();
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  /// The path of the file `name`, which from now on holds `contents`.
  std::string write(const std::string &name, std::string_view contents) const {
    std::string file = path / name;
    int descriptor =
        open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor < 0 || ::write(descriptor, contents.data(),
                                  contents.size()) != ssize_t(contents.size()))
      std::abort();
    close(descriptor);
    return file;
  }

  std::filesystem::path path;
};

inline std::string_view text(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// What must hold, in any build.
inline void check(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

} // namespace marimba::fuzz

#endif // MARIMBA_TEST_FUZZ_FUZZFILE_H
