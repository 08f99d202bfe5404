//===- BatchFile.cpp - Prompts and answers on the disk --------------------===//

#include "marimba/BatchFile.h"

#include "JsonFile.h"
#include "Text.h"
#include "marimba/JsonMembers.h"
#include "marimba/NewFile.h"
#include "marimba/formats/JsonText.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace marimba::rt {

/// The ids of an array of numbers, as it is written; false where it is
/// something else.
static bool readIds(std::string_view written, std::vector<int32_t> &ids) {
  nlohmann::json list = tryParseJsonText(written);
  if (!list.is_array() || list.empty())
    return false;
  for (const nlohmann::json &entry : list) {
    std::optional<int64_t> id = asInteger(entry);
    if (!id || *id < 0 || *id > INT32_MAX)
      return false;
    ids.push_back(static_cast<int32_t>(*id));
  }
  return true;
}

std::optional<std::vector<PromptLine>> parsePrompts(std::string_view contents,
                                                    const std::string &path,
                                                    std::string &error) {
  std::vector<PromptLine> prompts;
  unsigned number = 0;
  auto fail = [&](std::string_view what) {
    error = path + ":" + std::to_string(number) + ": " + std::string(what);
    return std::nullopt;
  };
  while (!contents.empty()) {
    std::string_view line = text::takeUntil(contents, '\n');
    ++number;
    if (text::trim(line).empty())
      continue;
    constexpr std::string_view wanted =
        "expected an object with \"prompt\" or \"ids\"";
    std::string problem;
    if (!text::trim(line).starts_with("{"))
      return fail(wanted);
    std::optional<JsonMembers> object = JsonMembers::parse(line, problem);
    if (!object)
      return fail(problem);
    auto member = [&](std::string_view name) {
      std::string_view value = object->find(name);
      return value == "null" ? std::string_view() : value;
    };
    std::string_view text = member("prompt"), ids = member("ids");
    if (text.empty() == ids.empty())
      return fail(wanted);
    PromptLine prompt;
    if (!text.empty() && !(prompt.text = readJsonString(text)))
      return fail(text.starts_with("\"")
                      ? "\"prompt\": has half of a surrogate pair"
                      : "\"prompt\": expected a text");
    if (!ids.empty() && !readIds(ids, prompt.ids))
      return fail("\"ids\": expected an array of token ids");
    prompt.id = object->find("id");
    prompts.push_back(std::move(prompt));
  }
  if (!prompts.empty())
    return prompts;
  error = path + ": has no prompts";
  return std::nullopt;
}

std::unique_ptr<BatchJournal> BatchJournal::open(const std::string &output,
                                                 std::string_view identity,
                                                 size_t prompts,
                                                 std::string &error) {
  std::unique_ptr<BatchJournal> journal(new BatchJournal());
  journal->output = output;
  journal->path = output + ".partial";
  auto fail = [&](const std::string &what) {
    error = journal->path + ": " + what;
    return nullptr;
  };
  journal->file =
      ::open(journal->path.c_str(),
             O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  struct stat status = {};
  if (journal->file < 0 || fstat(journal->file, &status) != 0)
    return fail(std::string("cannot be written: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return fail("is not a regular file");
  if (flock(journal->file, LOCK_EX | LOCK_NB) != 0)
    return fail("is in use by another process");
  if (journal->read(identity, prompts, error))
    return journal;
  // Where not even its first line could be written, it is of no use.
  if (status.st_size == 0)
    (void)unlink(journal->path.c_str());
  return nullptr;
}

BatchJournal::~BatchJournal() {
  if (file >= 0)
    close(file);
}

/// A number of the file, all digits of it.
static bool readNumber(std::string_view text, size_t &number) {
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && code == std::errc() &&
         end == text.data() + text.size();
}

/// Appends all of `text`.
static bool append(int file, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

/// All of an open file; nothing, with errno set, where it cannot be read.
static std::optional<std::string> readAll(int file) {
  std::string all;
  char bytes[1 << 16];
  for (;;) {
    ssize_t count =
        pread(file, bytes, sizeof(bytes), static_cast<off_t>(all.size()));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return std::nullopt;
    if (count == 0)
      return all;
    all.append(bytes, static_cast<size_t>(count));
  }
}

bool BatchJournal::read(std::string_view identity, size_t prompts,
                        std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return false;
  };
  std::optional<std::string> all = readAll(file);
  if (!all)
    return fail(std::strerror(errno));
  std::string_view contents = *all;
  std::string header = nlohmann::json{{"answers_of", identity}}.dump() + "\n";
  size_t good = 0; // bytes
  if (contents.find('\n') != contents.npos) {
    if (!contents.starts_with(header))
      return fail("was begun with other prompts, options or another model; "
                  "remove it to begin anew");
    good = header.size();
  }
  while (good && good < contents.size()) {
    size_t end = contents.find('\n', good);
    if (end == contents.npos)
      break;
    std::string problem;
    std::optional<JsonMembers> object =
        JsonMembers::parse(contents.substr(good, end - good), problem);
    if (!object)
      break;
    size_t line = 0;
    std::string_view answer = object->find("answer");
    if (!readNumber(object->find("prompt"), line) || answer.empty() ||
        line >= prompts)
      return fail("is damaged: an answer belongs to no prompt; remove it to "
                  "start again");
    lines[line] = std::string(answer) + "\n";
    good = end + 1;
  }
  if (ftruncate(file, static_cast<off_t>(good)) != 0 ||
      (good == 0 && !append(file, header)))
    return fail(std::string("cannot be written: ") + std::strerror(errno));
  return true;
}

bool BatchJournal::add(size_t index, const std::string &answer,
                       std::string &error) {
  if (!append(file, "{\"prompt\":" + std::to_string(index) +
                        ",\"answer\":" + answer + "}\n")) {
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  lines[index] = answer + "\n";
  return true;
}

bool BatchJournal::finish(
    const std::function<bool(const std::string &, std::string &)> &toStdout,
    std::string &error) {
  std::string all, problem;
  for (const auto &[index, line] : lines)
    all += line;
  if (outputKind(output) == OutputKind::Stdout) {
    if (!toStdout(all, error))
      return false;
  } else if (!writeWhole(output, all, problem)) {
    error = output + ": " + problem;
    return false;
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    error = path + ": " + std::strerror(errno);
    return false;
  }
  return true;
}

} // namespace marimba::rt
