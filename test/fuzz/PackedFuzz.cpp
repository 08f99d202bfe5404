//===- PackedFuzz.cpp - Files of packed weights ---------------------------===//
//
// The input describes a file: HeaderPatch.h. A file is taken only where it says
// all that the plan does.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "HeaderPatch.h"
#include "runtime/core/PackedFile.h"

#include <fstream>
#include <iterator>

using namespace marimba;

/// Two weights; a file of them is small.
static rt::PackedPlan makePlan() {
  rt::PackedPlan plan;
  plan.library = "oneDNN 2.6.3";
  plan.files.push_back({"/nowhere/model.safetensors", 100, 1, 2, {}});
  fuzz::check(
      plan.append({"w", "f32", "f32", "blocked", 2, 3, 4, 0, 0, 48}) &&
          plan.append({"v", "f32", "bf16", "blocked", 1, 4, 8, 0, 0, 64}),
      "sizes are small");
  return plan;
}

static std::string makeWhole(const fuzz::Folder &folder,
                             const rt::PackedPlan &plan) {
  std::string error;
  auto writer = rt::PackedWriter::create(folder.path, plan, error);
  fuzz::check(bool(writer), "a writer is made");
  for (const rt::PackedEntry &entry : plan.entries)
    for (int64_t i = 0; i < entry.count; ++i)
      fuzz::check(writer->write(entry.offset + uint64_t(i) * entry.stride,
                                std::string(entry.bytes, 'w'), error),
                  "it writes");
  fuzz::check(bool(writer->finish("whole", error)), "it finishes");
  std::ifstream file(folder.path / "whole", std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  static const rt::PackedPlan plan = makePlan();
  static const std::string whole = makeWhole(folder, plan);
  std::string path = folder.write("a.packed", fuzz::damaged(whole, data, size));
  std::string problem;
  auto file = rt::PackedFile::open(path, plan, 1, problem);
  fuzz::check(bool(file) == problem.empty(), "a failure has a message");
  if (file)
    fuzz::check(file->payload().size() == plan.payloadBytes,
                "all weights are there");
  rt::dropUnusedPackedFiles(folder.path);
  return 0;
}
