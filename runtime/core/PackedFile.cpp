//===- PackedFile.cpp - Packed weights on disk ----------------------------===//

#include "PackedFile.h"

#include "FileHeader.h"
#include "Team.h"
#include "marimba/formats/JsonText.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

namespace marimba::rt {

using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "MRBPACK1";
constexpr uint64_t kWeightAlignment = 4096, kMatrixAlignment = 64;
/// Each has a checksum of its own, so that threads can share the work.
constexpr uint64_t kBlock = uint64_t(4) << 20;

uint64_t blockCount(uint64_t bytes) {
  return bytes / kBlock + (bytes % kBlock != 0);
}

/// All of a header but the checksums.
Json describe(const PackedPlan &plan) {
  Json files = Json::array(), weights = Json::array();
  for (const WeightFile &file : plan.files) {
    std::error_code code;
    XXH128_hash_t hash = XXH3_128bits(file.header.data(), file.header.size());
    files.push_back({{"path", fs::weakly_canonical(file.path, code).string()},
                     {"bytes", file.bytes},
                     {"modified_ns", file.modifiedNs},
                     {"changed_ns", file.changedNs},
                     {"header", header::hex(hash)}});
  }
  for (const PackedEntry &entry : plan.entries)
    weights.push_back({{"name", entry.name},
                       {"dtype", entry.dtype},
                       {"packed", entry.packed},
                       {"layout", entry.layout},
                       {"count", entry.count},
                       {"k", entry.k},
                       {"n", entry.n},
                       {"offset", entry.offset},
                       {"stride", entry.stride},
                       {"bytes", entry.bytes}});
  return {{"library", plan.library},
          {"files", std::move(files)},
          {"weights", std::move(weights)},
          {"block_bytes", kBlock}};
}

/// A header with these checksums; its size depends on their number only.
std::string makeHeader(const PackedPlan &plan,
                       const std::vector<uint64_t> &checksums) {
  Json json = describe(plan);
  Json &list = json["checksums"] = Json::array();
  for (uint64_t checksum : checksums)
    list.push_back(header::hex(checksum));
  return header::make(kMagic, json, plan.payloadBytes);
}

/// What differs between a file's header and the one it should have.
std::string difference(const Json &found, const Json &wanted) {
  auto text = [](const Json &json) {
    return json.is_string() ? json.get<std::string>() : std::string("?");
  };
  if (found.value("library", Json()) != wanted["library"])
    return "was packed with " + text(found.value("library", Json())) +
           ", here is " + text(wanted["library"]);
  if (found.value("files", Json()) != wanted["files"])
    return "was packed from other files or from these before they were changed";
  if (found.value("weights", Json()) != wanted["weights"])
    return "holds other weights or other layouts";
  return "has another format";
}

/// Finds the first block that does not match its checksum.
struct Verification {
  std::span<const char> payload;
  const std::vector<uint64_t> &checksums;
  std::atomic<uint64_t> next{0}, bad{UINT64_MAX};

  static void run(void *data) {
    auto &self = *static_cast<Verification *>(data);
    for (uint64_t i; (i = self.next++) < self.checksums.size();) {
      std::span<const char> block = self.payload.subspan(
          i * kBlock,
          std::min<uint64_t>(kBlock, self.payload.size() - i * kBlock));
#ifdef MADV_POPULATE_READ
      // All pages of the block at once, instead of one fault for each few.
      madvise(const_cast<char *>(block.data()), block.size(),
              MADV_POPULATE_READ);
#endif
      if (XXH3_64bits(block.data(), block.size()) != self.checksums[i])
        self.bad = i;
    }
  }
};

} // namespace

bool PackedPlan::append(PackedEntry entry) {
  entry.offset = payloadBytes;
  entry.stride = entry.bytes;
  uint64_t size = 0, end = 0;
  if (!header::roundUp(entry.offset, kWeightAlignment) ||
      !header::roundUp(entry.stride, kMatrixAlignment) ||
      __builtin_mul_overflow(entry.stride, static_cast<uint64_t>(entry.count),
                             &size) ||
      __builtin_add_overflow(entry.offset, size, &end) || end > INT64_MAX)
    return false;
  payloadBytes = end;
  entries.push_back(std::move(entry));
  return true;
}

std::shared_ptr<const PackedFile> PackedFile::open(const fs::path &path,
                                                   const PackedPlan &plan,
                                                   int threads,
                                                   std::string &problem) {
  std::shared_ptr<const MappedFile> mapping = MappedFile::open(path, problem);
  if (!mapping)
    return nullptr;
  auto fail = [&](const std::string &what) {
    problem = path.string() + ": " + what;
    return nullptr;
  };
  std::string what;
  uint64_t payloadOffset = 0;
  std::optional<Json> found =
      header::read(kMagic, mapping->bytes(), payloadOffset, what);
  if (!found)
    return fail(what);
  Json list = found->value("checksums", Json());
  found->erase("checksums");
  // As written and read, for names that are not UTF-8.
  Json wanted = parseJsonText(header::toText(describe(plan)));
  std::span<const char> payload = mapping->bytes().subspan(payloadOffset);
  if (*found != wanted)
    return fail(difference(*found, wanted));
  if (payload.size() != plan.payloadBytes || !list.is_array() ||
      list.size() != blockCount(plan.payloadBytes))
    return fail("is damaged: its sizes do not fit together");
  std::vector<uint64_t> checksums;
  for (const Json &text : list) {
    std::optional<uint64_t> checksum = header::parseHex(text);
    if (!checksum)
      return fail("is damaged: it has a checksum that is no number");
    checksums.push_back(*checksum);
  }
  Verification check{payload, checksums};
  team::run(threads, Verification::run, &check);
  if (check.bad != UINT64_MAX) {
    // The last weight that begins in front of the block's end.
    const PackedEntry *weight = nullptr;
    for (const PackedEntry &entry : plan.entries)
      if (entry.offset < (check.bad + 1) * kBlock)
        weight = &entry;
    return fail("is damaged: a block" +
                (weight ? " near '" + weight->name + "'" : std::string()) +
                " does not match its checksum");
  }
  auto result = std::make_shared<PackedFile>();
  result->mapping = std::move(mapping);
  result->data = payload;
  return result;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

PackedWriter::PackedWriter(NewFile file, const PackedPlan &plan)
    : file(std::move(file)), plan(&plan), state(XXH3_createState()) {
  XXH3_64bits_reset(state.get());
}

std::optional<PackedWriter> PackedWriter::create(const fs::path &folder,
                                                 const PackedPlan &plan,
                                                 std::string &error) {
  auto fail = [&] {
    error = folder.string() + ": " + error;
    return std::nullopt;
  };
  std::optional<NewFile> file =
      NewFile::create(folder, NewFile::Use::Cache, error);
  if (!file)
    return fail();
  PackedWriter result(std::move(*file), plan);
  result.folder = folder;
  result.payloadOffset =
      makeHeader(plan, std::vector<uint64_t>(blockCount(plan.payloadBytes)))
          .size();
  if (!result.file.reserve(result.payloadOffset + plan.payloadBytes, error))
    return fail();
  return result;
}

/// Adds what comes next in the payload to the checksums.
void PackedWriter::hash(std::span<const char> bytes) {
  while (!bytes.empty()) {
    size_t count = std::min<uint64_t>(kBlock - position % kBlock, bytes.size());
    XXH3_64bits_update(state.get(), bytes.data(), count);
    bytes = bytes.subspan(count);
    position += count;
    if (position % kBlock == 0 || position == plan->payloadBytes) {
      checksums.push_back(XXH3_64bits_digest(state.get()));
      XXH3_64bits_reset(state.get());
    }
  }
}

bool PackedWriter::write(uint64_t offset, std::span<const char> bytes,
                         std::string &error) {
  static const std::vector<char> zeros(kWeightAlignment);
  while (position < offset)
    hash({zeros.data(), std::min<uint64_t>(offset - position, zeros.size())});
  hash(bytes);
  if (file.write(bytes, payloadOffset + offset, error))
    return true;
  error = folder.string() + ": " + error;
  return false;
}

std::shared_ptr<const PackedFile> PackedWriter::finish(const std::string &name,
                                                       std::string &error) {
  // The padding behind the last matrix.
  if (!write(plan->payloadBytes, {}, error))
    return nullptr;
  std::string text = makeHeader(*plan, checksums);
  auto result = std::make_shared<PackedFile>();
  // While it is open: another process may replace it as soon as it has its
  // name.
  result->mapping = MappedFile::map(file.descriptor(), folder / name, error);
  if (!result->mapping)
    return nullptr;
  if (!file.write(text, 0, error) || !file.publish(name, error)) {
    error = (folder / name).string() + ": " + error;
    return nullptr;
  }
  result->data = result->mapping->bytes().subspan(payloadOffset);
  return result;
}

void dropUnusedPackedFiles(const fs::path &folder) {
  std::error_code code;
  auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    const fs::path path = it->path();
    std::error_code ignored;
    if (path.filename().string().starts_with(".new-") &&
        now - fs::last_write_time(path, ignored) > std::chrono::hours(24)) {
      fs::remove(path, ignored);
      continue;
    }
    if (path.extension() != ".packed")
      continue;
    std::string problem;
    uint64_t offset = 0;
    std::shared_ptr<const MappedFile> file = MappedFile::open(path, problem);
    std::optional<Json> found =
        file ? header::read(kMagic, file->bytes(), offset, problem)
             : std::nullopt;
    if (!found)
      continue;
    Json files = found->value("files", Json());
    for (const Json &entry : files)
      if (entry.is_object() && entry.value("path", Json()).is_string() &&
          !fs::exists(entry["path"].get<std::string>(), ignored) && !ignored) {
        fs::remove(path, ignored);
        break;
      }
  }
}

} // namespace marimba::rt
