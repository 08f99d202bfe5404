//===- Models.h - Where a command has its model from ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_MODELS_H
#define MARIMBA_TOOLS_COMMANDS_MODELS_H

#include "marimba/ChatTemplate.h"
#include "marimba/ReadyModel.h"
#include "marimba/Tokenizer.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace marimba::server {
class Explorer;
} // namespace marimba::server

namespace marimba::commands {

/// A model that is ready, and where the time of loading went.
struct Loaded {
  std::shared_ptr<const rt::ReadyModel> model;
  double compileSeconds = 0, loadSeconds = 0;
  bool codeFromCache = false;
  /// Weights that matmuls read: packed now, and packed by an earlier run.
  int64_t packedWeights = 0, packedFromCache = 0;
};

/// Models that a command line names. What fails is told in `error`.
class Models {
public:
  virtual ~Models() = default;

  /// Whether the options of loading are allowed; else prints the error.
  virtual bool checkOptions(const std::string &model) = 0;
  /// Whether something of this name is there.
  virtual bool exists(const std::string &model);
  virtual bool hasTokenizer(const std::string &model) = 0;
  /// What was read otherwise than a file says becomes a note.
  virtual std::unique_ptr<rt::Tokenizer> loadTokenizer(const std::string &model,
                                                       std::string &error) = 0;
  /// As rt::ChatTemplate::load().
  virtual std::unique_ptr<rt::ChatTemplate>
  loadChatTemplate(const std::string &model, const std::string &name,
                   std::string &error) = 0;
  /// The folder with generation_config.json.
  virtual std::string directory(const std::string &model) = 0;
  /// Has load() compile a model so that hidden states come out. False, and
  /// `error`, where it is compiled already.
  virtual bool collectHidden(const std::string &model, std::string &error);
  /// `tokenizer`, which may be null, finds ends of an answer that only the
  /// vocabulary names; `showProgress` draws a bar. Null also where Ctrl-C ends
  /// it.
  virtual std::shared_ptr<Loaded> load(const std::string &model,
                                       const rt::Tokenizer *tokenizer,
                                       bool showProgress,
                                       std::string &error) = 0;

  /// Tells the server's page how `loaded`, which is `model`, was compiled; null
  /// where nobody knows more than the model itself.
  virtual std::shared_ptr<server::Explorer> explorer(const std::string &model,
                                                     const Loaded &loaded);

  /// `eval --compare`: a table of `models`, all against the first, on `text`
  /// (the contents of `file`). Returns the exit code.
  virtual int compare(const std::vector<std::string> &models,
                      const std::string &file, const std::string &text,
                      int64_t window, bool json) = 0;
};

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_MODELS_H
