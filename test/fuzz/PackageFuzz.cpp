//===- PackageFuzz.cpp - Compiled models: model.json ----------------------===//
//
// The input is the text. What is read, is written and read again the same.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "marimba/Package.h"

using namespace marimba;
using rt::PackageManifest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string error;
  std::optional<PackageManifest> manifest =
      PackageManifest::parse(fuzz::text(data, size), error);
  fuzz::check(manifest || !error.empty(), "a failure has a message");
  if (!manifest)
    return 0;
  fuzz::check(manifest->vocabulary > 0 && manifest->chunk > 0 &&
                  manifest->facts.threads > 0,
              "sizes are positive");
  std::optional<std::string> text = manifest->text(error);
  if (!text) {
    fuzz::check(!error.empty(), "a failure to write has a message");
    return 0;
  }
  std::optional<PackageManifest> again = PackageManifest::parse(*text, error);
  fuzz::check(again && again->text(error) == text,
              "what was written is read the same");
  return 0;
}
