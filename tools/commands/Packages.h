//===- Packages.h - Models that were compiled before ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_PACKAGES_H
#define MARIMBA_TOOLS_COMMANDS_PACKAGES_H

#include "tools/commands/Models.h"
#include "tools/commands/Options.h"

#include "marimba/Package.h"
#include <map>
#include <optional>

namespace marimba::commands {

/// How a package is loaded.
struct PackageLoad {
  /// Of the team; 0: the package's. Another number is refused: loops were cut
  /// for one.
  unsigned threads = 0;
  int64_t chunk = 0;       // tokens of a call; 0: the package's
  std::string cacheFolder; // of packed weights; empty: in memory
};

/// Loads a package, with what it says as notes. Null and `error` on failure.
std::shared_ptr<Loaded> openPackage(const std::string &package,
                                    const PackageLoad &how, std::string &error);

/// --threads, --cache-dir, --no-cache and --chunk of a command. What the others
/// say is decided when a package is compiled.
struct PackageFlags {
  explicit PackageFlags(Command &command);
  /// Nothing where values are not allowed; prints the error.
  std::optional<PackageLoad> read() const;

  NumberOption<unsigned> threads;
  TextOption cacheDir;
  Flag noCache;
  NumberOption<int64_t> chunk;
};

/// Packages, without the compiler.
class PackageModels : public Models {
public:
  /// `flags` is null for commands that load no model.
  explicit PackageModels(const PackageFlags *flags) : flags(flags) {}

  bool checkOptions(const std::string &model) override;
  bool hasTokenizer(const std::string &model) override;
  std::unique_ptr<rt::Tokenizer> loadTokenizer(const std::string &model,
                                               std::string &error) override;
  std::unique_ptr<rt::ChatTemplate>
  loadChatTemplate(const std::string &model, const std::string &name,
                   std::string &error) override;
  std::string directory(const std::string &model) override;
  std::shared_ptr<Loaded> load(const std::string &model,
                               const rt::Tokenizer *tokenizer,
                               bool showProgress, std::string &error) override;
  int compare(const std::vector<std::string> &models, const std::string &file,
              const std::string &text, int64_t window, bool json) override;

protected:
  PackageLoad how;

private:
  const PackageFlags *flags;
};

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_PACKAGES_H
