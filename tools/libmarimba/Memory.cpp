//===- Memory.cpp - What a context takes ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Memory.h"

#include "marimba/Session.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <dlfcn.h>
#include <fstream>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

/// Bytes of code or constants from which on a library is worth the calls.
static constexpr uint64_t kLargeSegment = uint64_t(1) << 20;

int64_t marimba::peakResident() {
  if (auto bytes = rt::readKibibytes("/proc/self/status", "VmHWM"))
    return *bytes;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

int64_t marimba::resident() {
  return rt::readKibibytes("/proc/self/status", "VmRSS").value_or(0);
}

void marimba::restartPeakResident() {
  std::ofstream file("/proc/self/clear_refs");
  file << '5';
}

namespace {
/// A line of /proc/self/maps.
struct Mapping {
  AddressRange range;
  bool writable = true;
  std::string file; // device and node; empty where it is of no file
};
} // namespace

static std::optional<Mapping> parseMapping(StringRef line) {
  // 7f00-7f10 r-xp 00001000 08:01 1234   /usr/lib/libLLVM.so
  SmallVector<StringRef, 8> fields;
  line.split(fields, ' ', /*MaxSplit=*/5, /*KeepEmpty=*/false);
  Mapping mapping;
  if (fields.size() < 5)
    return std::nullopt;
  auto [begin, end] = fields[0].split('-');
  if (begin.getAsInteger(16, mapping.range.begin) ||
      end.getAsInteger(16, mapping.range.end))
    return std::nullopt;
  mapping.writable = fields[1].contains('w');
  if (fields[4] != "0")
    mapping.file = (fields[3] + " " + fields[4]).str();
  return mapping;
}

std::vector<AddressRange>
marimba::partsOfFile(StringRef maps, AddressRange segment, uint64_t inside) {
  std::vector<Mapping> mappings;
  std::string file;
  for (StringRef line : split(maps, '\n'))
    if (std::optional<Mapping> mapping = parseMapping(line)) {
      if (mapping->range.begin <= inside && inside < mapping->range.end)
        file = mapping->file;
      mappings.push_back(std::move(*mapping));
    }
  std::vector<AddressRange> parts;
  for (const Mapping &mapping : mappings) {
    uint64_t begin = std::max(segment.begin, mapping.range.begin);
    uint64_t end = std::min(segment.end, mapping.range.end);
    if (begin < end && !mapping.writable && !file.empty() &&
        mapping.file == file)
      parts.push_back({begin, end});
  }
  return parts;
}

namespace {
/// A library of the compiler, by an address in it.
struct Library {
  uint64_t inside = 0;
  uint64_t base = 0; // where its address 0 is loaded
  std::vector<AddressRange> segments;
};
} // namespace

/// Finds the large segments of those of `data` that nobody can write to. What
/// the loader relocated is in others.
static int findSegments(dl_phdr_info *info, size_t, void *data) {
  static const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (Library &library : *static_cast<std::vector<Library> *>(data)) {
    if (library.base != info->dlpi_addr)
      continue;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const ElfW(Phdr) &segment = info->dlpi_phdr[i];
      uint64_t begin = info->dlpi_addr + segment.p_vaddr;
      uint64_t end = begin + segment.p_filesz;
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) ||
          segment.p_filesz < kLargeSegment)
        continue;
      // Only whole pages: neighbours may share the first and the last one.
      library.segments.push_back(
          {(begin + page - 1) / page * page, end / page * page});
    }
  }
  return 0;
}

/// jemalloc's, in a program that has it.
extern "C" int mallctl(const char *name, void *old, size_t *oldSize,
                       void *value, size_t size) __attribute__((weak));

/// Gives back to the system what is free.
static void releaseFreeMemory() {
  malloc_trim(0);
  // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
  if (mallctl)
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

void marimba::releaseCompilerMemory() {
  releaseFreeMemory();
  // A host's other libraries are not ours to touch.
  std::vector<Library> libraries;
  for (void *symbol : {reinterpret_cast<void *>(&llvm::outs),
                       reinterpret_cast<void *>(&mlir::verify),
                       reinterpret_cast<void *>(&releaseCompilerMemory)}) {
    Dl_info info = {};
    if (!dladdr(symbol, &info))
      continue;
    auto base = reinterpret_cast<uint64_t>(info.dli_fbase);
    if (none_of(libraries, [&](const Library &l) { return l.base == base; }))
      libraries.push_back({reinterpret_cast<uint64_t>(symbol), base, {}});
  }
  dl_iterate_phdr(findSegments, &libraries);
  std::ifstream stream("/proc/self/maps");
  std::string maps{std::istreambuf_iterator<char>(stream), {}};
  for (const Library &library : libraries)
    for (const AddressRange &segment : library.segments)
      for (const AddressRange &part :
           partsOfFile(maps, segment, library.inside))
        madvise(reinterpret_cast<void *>(part.begin), part.end - part.begin,
                MADV_DONTNEED);
}

bool marimba::checkRoom(const mlir::marimba::ModelInfo &info, int64_t tokens,
                        int64_t sequences, std::string &error) {
  return rt::checkRoom(info.name,
                       {static_cast<int64_t>(info.stateBytes),
                        static_cast<int64_t>(info.cacheBytesPerToken)},
                       tokens, sequences, error);
}

std::vector<int32_t> marimba::scatteredIds(const mlir::marimba::ModelInfo &info,
                                           int64_t first, int64_t count) {
  constexpr uint64_t stride = 7919; // a prime
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>((static_cast<uint64_t>(first) + i) * stride %
                                  static_cast<uint64_t>(info.vocabSize));
  return ids;
}

std::optional<MemoryNeeds>
marimba::measureNeeds(LoadedModel &model, int64_t context, std::string &error) {
  std::unique_ptr<rt::Session> session = model.makeSession(error);
  if (!session)
    return std::nullopt;
  std::vector<float> logits;
  // A run holds as much before it gives the compiler's pages back.
  int64_t loading = peakResident();
  restartPeakResident();
  // Different ids, so that no expert and no page of a table stays untouched
  // that a text would touch; some pieces, until memory has settled; and a step
  // of decoding.
  constexpr int64_t pieces = 4;
  int64_t whole = std::min(context, pieces * model.chunk());
  for (int64_t first = 0; first < whole; first += model.chunk())
    if (!session->append(scatteredIds(model.info(), first,
                                      std::min(model.chunk(), whole - first)),
                         rt::LogitsWanted::None, logits, error))
      return std::nullopt;
  if (!session->append(scatteredIds(model.info(), whole, 1),
                       rt::LogitsWanted::Last, logits, error))
    return std::nullopt;
  rt::SessionMemory memory = session->memory();
  MemoryNeeds needs;
  needs.weights = session->model().weights().ownBytes();
  needs.packed = session->model().library()->stats().packedBytes;
  needs.states = memory.states;
  needs.scratch = memory.arenaPeak;
  needs.keyValues =
      static_cast<int64_t>(model.info().cacheBytesPerToken) * context;
  int64_t known = needs.weights + needs.packed + needs.states + needs.scratch +
                  memory.keyValues;
  // Where not all of it is memory yet, nothing is left.
  int64_t others = needs.weights + needs.packed + needs.states + needs.scratch +
                   needs.keyValues;
  needs.rest =
      std::max<int64_t>({peakResident() - known, loading - others, int64_t(0)});
  return needs;
}
