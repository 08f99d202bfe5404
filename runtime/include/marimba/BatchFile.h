//===- BatchFile.h - Prompts and answers on the disk ------------*- C++ -*-===//
//
// Answers go into a journal as they come, and are put in order
// in the end: what was answered before a run was killed is not computed again.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_BATCHFILE_H
#define MARIMBA_RUNTIME_BATCHFILE_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// One line of a file of prompts: {"prompt": text} or {"ids": [numbers]}, with
/// an "id" of any kind where the answer is to have it, too.
struct PromptLine {
  std::optional<std::string> text; // may be empty
  std::vector<int32_t> ids;        // where they are given, `text` is not
  std::string id;                  // as it is written; empty: there is none
};

/// The prompts of a JSON Lines file (UTF-8), empty lines left out. Nothing, and
/// `error` with `path` and the line, where one is not such an object.
std::optional<std::vector<PromptLine>> parsePrompts(std::string_view contents,
                                                    const std::string &path,
                                                    std::string &error);

/// Answers that are there already, and a place for those to come. One process
/// at a time.
class BatchJournal {
public:
  /// Opens or makes `output`.partial. `identity` says what decides the answers;
  /// a journal of another one is refused. A line that was not finished is
  /// dropped. Null and `error` on failure.
  static std::unique_ptr<BatchJournal> open(const std::string &output,
                                            std::string_view identity,
                                            size_t prompts, std::string &error);
  ~BatchJournal();
  BatchJournal(const BatchJournal &) = delete;
  BatchJournal &operator=(const BatchJournal &) = delete;

  /// By the number of their prompt, each on one line.
  const std::map<size_t, std::string> &answers() const { return lines; }

  /// Adds one, of JSON on one line; a process that is killed then has it
  /// written or not at all.
  bool add(size_t index, const std::string &answer, std::string &error);

  /// Writes all answers to the output, which appears whole, and removes the
  /// journal. Where the output is stdout ("-"), `toStdout` writes them and says
  /// whether that went well, with the error.
  bool finish(const std::function<bool(const std::string &all,
                                       std::string &error)> &toStdout,
              std::string &error);

private:
  BatchJournal() = default;
  bool read(std::string_view identity, size_t prompts, std::string &error);

  std::string output, path;
  int file = -1;
  std::map<size_t, std::string> lines;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_BATCHFILE_H
