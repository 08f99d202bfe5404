//===- CodeCache.cpp - Machine code of earlier runs -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/CodeCache.h"
#include "tools/libmarimba/BuildIdentity.h"

#include "marimba/CacheFiles.h"
#include "marimba/NewFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>
#include <vector>

using namespace marimba;
using namespace llvm;
namespace fs = std::filesystem;

/// In every key: files of another format are never found.
static constexpr StringRef kFormat = "marimba code 1";
static constexpr StringRef kMagic = "MRBCODE1";
static constexpr StringRef kSuffix = ".code";
/// Past this, the ones that were not used for the longest time go.
static constexpr uintmax_t kMostBytes = uintmax_t(256) << 20;

// A file: magic, key, size of the object in 8 bytes, digest of all that and of
// the object, object.
static constexpr size_t kKeyAt = 8, kSizeAt = kKeyAt + 32,
                        kDigestAt = kSizeAt + 8, kObjectAt = kDigestAt + 32;

static std::string fileName(const CodeCache::Key &key) {
  return toHex(key, /*LowerCase=*/true) + kSuffix.str();
}

/// The bytes in front of the object.
static std::string makeHeader(const CodeCache::Key &key,
                              ArrayRef<char> object) {
  std::string header = kMagic.str();
  header.append(key.begin(), key.end());
  char size[8];
  support::endian::write64le(size, object.size());
  header.append(size, sizeof(size));
  BLAKE3 hasher;
  hasher.update(header);
  hasher.update(StringRef(object.data(), object.size()));
  BLAKE3Result<> digest = hasher.final();
  header.append(digest.begin(), digest.end());
  return header;
}

CodeCache::CodeCache(StringRef cacheFolder, NoteFn note) : note(note) {
  if (cacheFolder.empty())
    return;
  fs::path path = fs::path(cacheFolder.str()) / "code";
  std::string error;
  if (rt::makePrivateFolder(cacheFolder.str(), error) &&
      rt::makePrivateFolder(path, error))
    folder = path.string();
  else if (note)
    note("compiled code is not kept: " + error);
}

/// All options that change code: those of a pipeline print themselves, every
/// one.
static void writeOptions(raw_ostream &os, const CompileOptions &options) {
  options.pipeline.print(os);
  const mlir::marimba::Target *target =
      mlir::marimba::findTarget(options.pipeline.target);
  // What a file says, not what it is called.
  if (const std::string &table = options.pipeline.matmulTable; !table.empty())
    if (auto text = MemoryBuffer::getFile(table))
      os << "\ntable " << (*text)->getBuffer();
  os << "\ntarget " << target->describe(options.target) << '\n';
}

CodeCache::Key CodeCache::key(Compilation &compilation) {
  std::string text;
  raw_string_ostream os(text);
  os << kFormat << '\n' << buildIdentity() << '\n';
  writeOptions(os, compilation.options());
  // The generic form has every attribute and type. No locations: they are
  // names of values.
  compilation.module().print(
      os, mlir::OpPrintingFlags().printGenericOpForm().assumeVerified());
  return BLAKE3::hash<32>(arrayRefFromStringRef(text));
}

std::optional<SmallVector<char, 0>> CodeCache::find(const Key &key) {
  if (folder.empty())
    return std::nullopt;
  fs::path path = fs::path(folder) / fileName(key);
  std::string error;
  std::shared_ptr<const rt::MappedFile> file =
      rt::MappedFile::open(path, error);
  if (!file) {
    if (!error.empty() && note)
      note(error + ": compiling again");
    return std::nullopt;
  }
  StringRef bytes(file->bytes().data(), file->bytes().size());
  StringRef object = bytes.drop_front(std::min(bytes.size(), kObjectAt));
  ArrayRef<char> objectBytes(object.data(), object.size());
  if (bytes.size() < kObjectAt ||
      bytes.take_front(kObjectAt) != makeHeader(key, objectBytes)) {
    if (note)
      note(path.string() +
           ": this file of compiled code is damaged: compiling again");
    return std::nullopt;
  }
  // It was used now: see dropOld().
  std::error_code ignored;
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  return SmallVector<char, 0>(objectBytes);
}

void CodeCache::store(const Key &key, ArrayRef<char> object) {
  if (folder.empty())
    return;
  std::string problem, header = makeHeader(key, object);
  std::optional<rt::NewFile> file =
      rt::NewFile::create(folder, rt::NewFile::Use::Cache, problem);
  if (file && file->write(header, 0, problem) &&
      file->write({object.data(), object.size()}, header.size(), problem) &&
      file->publish(fileName(key), problem))
    dropOld();
  else if (note)
    note("compiled code is not kept: " + folder + ": " + problem);
}

void CodeCache::dropOld() {
  struct Kept {
    fs::file_time_type used;
    fs::path path;
    uintmax_t bytes;
  };
  std::error_code code;
  std::vector<Kept> files;
  for (fs::directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    std::error_code gone;
    uintmax_t bytes = it->file_size(gone);
    if (!gone && it->path().extension() == kSuffix.str())
      files.push_back({it->last_write_time(gone), it->path(), bytes});
  }
  sort(files, [](const Kept &a, const Kept &b) { return a.used > b.used; });
  uintmax_t bytes = 0;
  for (const Kept &file : files)
    if ((bytes += file.bytes) > kMostBytes && &file != files.data())
      fs::remove(file.path, code);
}

CodePtr marimba::compileOrFind(Compilation &compilation, StringRef cacheFolder,
                               bool &fromCache, std::string &error,
                               ProgressFn progress, NoteFn note) {
  bool dumping = !compilation.options().dumpDir.empty();
  CodeCache cache(dumping ? StringRef() : cacheFolder, note);
  CodeCache::Key key = {};
  if (!cacheFolder.empty() && !dumping)
    key = CodeCache::key(compilation);
  if (std::optional<SmallVector<char, 0>> object = cache.find(key)) {
    std::string problem;
    if (CodePtr code = linkWithRuntime(std::move(*object), problem)) {
      fromCache = true;
      return code;
    }
    if (note)
      note("kept code: " + problem + ": compiling again");
  }
  constexpr double codeBegins = 0.5; // of the whole time
  auto report = [&](double fraction, StringRef what) {
    if (progress)
      progress(codeBegins * fraction, what);
  };
  SmallVector<char, 0> object;
  if (!compilation.lower(/*stopAfter=*/{}, error, report))
    return nullptr;
  report(1, "machine code");
  if (!compilation.emit(mlir::marimba::EmitKind::Object, object, error))
    return nullptr;
  cache.store(key, object);
  return linkWithRuntime(std::move(object), error);
}
