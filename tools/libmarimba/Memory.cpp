//===- Memory.cpp - What a context takes ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Memory.h"

#include "marimba/Session.h"
#include <algorithm>
#include <fstream>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

/// Bytes of code or constants from which on a library is worth the calls.
static constexpr uint64_t kLargeSegment = uint64_t(16) << 20;

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

/// Drops the pages of a library's large segments that nobody can write to. What
/// the loader relocated is in others.
static int dropSegments(dl_phdr_info *info, size_t, void *) {
  static const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) ||
        segment.p_filesz < kLargeSegment)
      continue;
    // Only whole pages: neighbours may share the first and the last one.
    uint64_t begin = info->dlpi_addr + segment.p_vaddr;
    uint64_t end = (begin + segment.p_filesz) / page * page;
    begin = (begin + page - 1) / page * page;
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

void marimba::releaseCompilerMemory() {
  malloc_trim(0);
  dl_iterate_phdr(dropSegments, nullptr);
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
  needs.rest = std::max<int64_t>(peakResident() - known, 0);
  return needs;
}
