//===- DirectoryModels.h - Models that are compiled at once -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_DIRECTORYMODELS_H
#define MARIMBA_TOOLS_MARIMBA_DIRECTORYMODELS_H

#include "tools/commands/Packages.h"
#include "tools/marimba/CompileFlags.h"

#include <optional>

namespace marimba::driver {

/// Model directories and GGUF files, which are compiled and loaded in one call;
/// and packages, which `marimba` hands over where it does not understand the
/// command line.
class DirectoryModels : public commands::PackageModels {
public:
  /// `flags`, of the command, are null where it loads no model.
  explicit DirectoryModels(const SessionFlags *flags)
      : PackageModels(/*flags=*/nullptr), flags(flags) {}

  bool checkOptions(const std::string &model) override;
  bool hasTokenizer(const std::string &model) override;
  std::unique_ptr<rt::Tokenizer> loadTokenizer(const std::string &model,
                                               std::string &error) override;
  std::unique_ptr<rt::ChatTemplate>
  loadChatTemplate(const std::string &model, const std::string &name,
                   std::string &error) override;
  std::string directory(const std::string &model) override;
  bool collectHidden(const std::string &model, std::string &error) override;
  std::shared_ptr<commands::Loaded> load(const std::string &model,
                                         const rt::Tokenizer *tokenizer,
                                         bool showProgress,
                                         std::string &error) override;
  std::shared_ptr<server::Explorer>
  explorer(const std::string &model, const commands::Loaded &loaded) override;
  int compare(const std::vector<std::string> &models, const std::string &file,
              const std::string &text, int64_t window, bool json) override;

private:
  /// Whether no option is given that compiling a package has decided.
  bool leavesDecisions(const std::string &package) const;

  const SessionFlags *flags;
  std::optional<LoadOptions> options;
};

/// LoadedModel::load with a bar, which is gone afterwards.
std::unique_ptr<LoadedModel> loadModel(llvm::StringRef modelDir,
                                       const LoadOptions &options,
                                       std::string &error,
                                       bool showProgress = true);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_DIRECTORYMODELS_H
