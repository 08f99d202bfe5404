//===- BuildIdentity.cpp - Which Marimba this is --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/BuildIdentity.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/MathExtras.h"
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

using namespace llvm;

/// The build id among the notes of a loaded file, in hexadecimal; empty where
/// there is none.
static std::string buildId(const dl_phdr_info &file) {
  for (const ElfW(Phdr) &header :
       ArrayRef(file.dlpi_phdr, static_cast<size_t>(file.dlpi_phnum))) {
    if (header.p_type != PT_NOTE)
      continue;
    StringRef notes(
        reinterpret_cast<const char *>(file.dlpi_addr + header.p_vaddr),
        header.p_memsz);
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      memcpy(&note, notes.data(), sizeof(note));
      uint64_t name = sizeof(note), data = name + alignTo(note.n_namesz, 4);
      uint64_t next = data + alignTo(note.n_descsz, 4);
      if (next > notes.size())
        break;
      if (note.n_type == NT_GNU_BUILD_ID &&
          notes.substr(name, note.n_namesz) == StringRef("GNU\0", 4))
        return toHex(notes.substr(data, note.n_descsz), /*LowerCase=*/true);
      notes = notes.drop_front(next);
    }
  }
  return {};
}

static int addFile(dl_phdr_info *file, size_t, void *data) {
  auto &text = *static_cast<std::string *>(data);
  StringRef path = file->dlpi_name;
  // The program itself has no name and comes first.
  bool program = text.empty();
  // Nor does a program in C know what libmarimba.so was built from.
  if (!program && !path.contains("libLLVM") && !path.contains("libMLIR") &&
      !path.contains("libmarimba"))
    return 0;
  std::string id = buildId(*file);
  struct stat status = {};
  if (id.empty() &&
      stat(program ? "/proc/self/exe" : path.data(), &status) == 0)
    id = std::to_string(status.st_size) + "@" +
         std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
  text += " " + id;
  return 0;
}

std::string marimba::buildIdentity() {
  std::string files;
  dl_iterate_phdr(addFile, &files);
  return LLVM_VERSION_STRING + files;
}
