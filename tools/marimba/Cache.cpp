//===- Cache.cpp - marimba cache ------------------------------------------===//
//
// Part of Marimba. What is kept between runs: lists it, removes it.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/CompileFlags.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>

using namespace marimba;
using namespace llvm;
namespace fs = std::filesystem;

namespace {
struct Options {
  cl::SubCommand sub{"cache", "Lists what is kept between runs, or removes it"};
  driver::Flag clear{sub, "clear", "Removes all of it"};
  driver::Flag json{sub, "json", "Answers in JSON"};
  driver::CacheFolderOption cacheDir{sub};
};

/// A kept file.
struct Entry {
  StringRef kind; // its folder
  fs::path path;
  uint64_t bytes = 0;
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// All kept files, and what a run that was killed left; nothing else that
/// stands in the folder.
static std::vector<Entry> findEntries(const fs::path &folder) {
  static constexpr std::pair<StringLiteral, StringLiteral> kinds[] = {
      {"code", ".code"}, {"weights", ".packed"}};
  std::vector<Entry> entries;
  for (auto [kind, suffix] : kinds) {
    std::error_code code;
    for (fs::directory_iterator it(folder / kind.str(), code), end;
         !code && it != end; it.increment(code)) {
      std::error_code ignored;
      std::string name = it->path().filename().string();
      if (it->is_regular_file(ignored) &&
          (StringRef(name).ends_with(suffix) ||
           StringRef(name).starts_with(".new-")))
        entries.push_back({kind, it->path(), it->file_size(ignored)});
    }
  }
  sort(entries, [](const Entry &a, const Entry &b) { return a.path < b.path; });
  return entries;
}

static int run() {
  const Options &o = options();
  fs::path folder = o.cacheDir.folder();
  if (folder.empty())
    return driver::fail("cache: there is no folder for it: give --cache-dir or "
                        "set MARIMBA_CACHE_DIR or HOME");
  uint64_t total = 0;
  json::Array list;
  for (const Entry &entry : findEntries(folder)) {
    if (o.clear) {
      std::error_code code;
      fs::remove(entry.path, code);
      if (code)
        return driver::fail(entry.path.string() + ": " + code.message());
    }
    total += entry.bytes;
    list.push_back(json::Object{{"kind", entry.kind},
                                {"path", entry.path.string()},
                                {"bytes", int64_t(entry.bytes)}});
    if (!o.json)
      outs() << formatv("{0,-7} {1,9:f1} MiB  {2}\n", entry.kind,
                        double(entry.bytes) / (1 << 20),
                        entry.path.filename().string());
  }
  if (o.json)
    driver::printJson(json::Object{{"folder", folder.string()},
                                   {"removed", bool(o.clear)},
                                   {"bytes", int64_t(total)},
                                   {"files", std::move(list)}});
  else
    outs() << formatv("{0} {1:f1} MiB in {2}\n",
                      o.clear ? "removed" : "kept:", double(total) / (1 << 20),
                      folder.string());
  return 0;
}

driver::Command driver::makeCacheCommand() { return {&options().sub, run}; }
