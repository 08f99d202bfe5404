//===- Memory.cpp - What a context takes ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Memory.h"

#include "marimba/GroupLimits.h"
#include "marimba/Session.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <fstream>
#include <sys/resource.h>

using namespace marimba;
using namespace llvm;

std::string marimba::mebibytes(int64_t bytes) {
  return formatv("{0:f1} MiB", static_cast<double>(bytes) / (1 << 20)).str();
}

/// A file of /proc or /sys; empty where there is none.
static std::string readText(StringRef path) {
  std::ifstream stream(path.str());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The number behind `name` in lines such as "VmRSS:  123 kB", in bytes.
static std::optional<int64_t> findKibibytes(StringRef text, StringRef name) {
  for (StringRef line : split(text, '\n')) {
    int64_t kibibytes = 0;
    if (line.consume_front(name) &&
        !line.ltrim(": \t").consumeInteger(10, kibibytes))
      return kibibytes * 1024;
  }
  return std::nullopt;
}

int64_t marimba::peakResident() {
  if (auto bytes = findKibibytes(readText("/proc/self/status"), "VmHWM"))
    return *bytes;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

int64_t marimba::resident() {
  return findKibibytes(readText("/proc/self/status"), "VmRSS").value_or(0);
}

void marimba::restartPeakResident() {
  std::ofstream file("/proc/self/clear_refs");
  file << '5';
}

std::optional<int64_t> marimba::availableMemory() {
  std::optional<int64_t> available =
      findKibibytes(readText("/proc/meminfo"), "MemAvailable");
  if (std::optional<int64_t> left = rt::readGroupLimits().memoryLeft)
    available = std::min(available.value_or(*left), *left);
  // Of ulimit -v: address space, so never less than what is memory.
  rlimit limit = {};
  std::optional<int64_t> used =
      findKibibytes(readText("/proc/self/status"), "VmSize");
  if (used && getrlimit(RLIMIT_AS, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur <= static_cast<rlim_t>(INT64_MAX)) {
    auto left = std::max<int64_t>(int64_t(limit.rlim_cur) - *used, 0);
    available = std::min(available.value_or(left), left);
  }
  return available;
}

bool marimba::checkRoom(const mlir::marimba::ModelInfo &info, int64_t tokens,
                        int64_t sequences, std::string &error) {
  std::optional<int64_t> available = availableMemory();
  auto product = [](int64_t a, int64_t b) {
    int64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX / 4 : result;
  };
  int64_t keys =
      product(product(static_cast<int64_t>(info.cacheBytesPerToken), tokens),
              sequences);
  int64_t states = product(static_cast<int64_t>(info.stateBytes), sequences);
  if (!available || keys + states <= *available)
    return true;
  error = formatv("{0}: {1:N} tokens{2} take {3} of keys and values and {4} of "
                  "states; {5} of memory are available",
                  info.name, tokens,
                  sequences > 1
                      ? formatv(" in each of {0} sequences", sequences).str()
                      : "",
                  mebibytes(keys), mebibytes(states), mebibytes(*available))
              .str();
  return false;
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
