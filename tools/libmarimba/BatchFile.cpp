//===- BatchFile.cpp - Prompts and answers on the disk --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/BatchFile.h"
#include "tools/libmarimba/JsonMembers.h"

#include "marimba/NewFile.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

/// The ids of an array of numbers, as it is written; false where it is
/// something else.
static bool readIds(StringRef written, std::vector<int32_t> &ids) {
  Expected<json::Value> value = json::parse(written);
  if (!value) {
    consumeError(value.takeError());
    return false;
  }
  const json::Array *list = value->getAsArray();
  if (!list || list->empty())
    return false;
  for (const json::Value &entry : *list) {
    std::optional<int64_t> id = entry.getAsInteger();
    if (!id || *id < 0 || *id > INT32_MAX)
      return false;
    ids.push_back(static_cast<int32_t>(*id));
  }
  return true;
}

std::optional<std::vector<PromptLine>>
marimba::parsePrompts(StringRef contents, StringRef path, std::string &error) {
  std::vector<PromptLine> prompts;
  unsigned number = 0;
  auto fail = [&](const Twine &what) {
    error = (path + ":" + Twine(number) + ": " + what).str();
    return std::nullopt;
  };
  while (!contents.empty()) {
    auto [line, rest] = contents.split('\n');
    contents = rest;
    ++number;
    if (line.trim().empty())
      continue;
    constexpr StringLiteral wanted =
        "expected an object with \"prompt\" or \"ids\"";
    std::string problem;
    if (!line.trim().starts_with("{"))
      return fail(wanted);
    std::optional<JsonMembers> object = JsonMembers::parse(line, problem);
    if (!object)
      return fail(problem);
    auto member = [&](StringRef name) {
      StringRef value = object->find(name);
      return value == "null" ? StringRef() : value;
    };
    StringRef text = member("prompt"), ids = member("ids");
    if (text.empty() == ids.empty())
      return fail(wanted);
    PromptLine prompt;
    if (!text.empty() && !(prompt.text = readJsonString(text)))
      return fail(text.starts_with("\"")
                      ? "\"prompt\": has half of a surrogate pair"
                      : "\"prompt\": expected a text");
    if (!ids.empty() && !readIds(ids, prompt.ids))
      return fail("\"ids\": expected an array of token ids");
    prompt.id = object->find("id").str();
    prompts.push_back(std::move(prompt));
  }
  if (!prompts.empty())
    return prompts;
  error = (path + ": has no prompts").str();
  return std::nullopt;
}

/// One line, with its end.
static std::string toLine(const json::Value &value) {
  return formatv("{0}\n", value).str();
}

std::unique_ptr<BatchJournal> BatchJournal::open(StringRef output,
                                                 StringRef identity,
                                                 size_t prompts,
                                                 std::string &error) {
  std::unique_ptr<BatchJournal> journal(new BatchJournal());
  journal->output = output.str();
  journal->path = (output + ".partial").str();
  auto fail = [&](const Twine &what) {
    error = (journal->path + ": " + what).str();
    return nullptr;
  };
  journal->file =
      ::open(journal->path.c_str(),
             O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  struct stat status = {};
  if (journal->file < 0 || fstat(journal->file, &status) != 0)
    return fail(Twine("cannot be written: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return fail("is not a regular file");
  if (flock(journal->file, LOCK_EX | LOCK_NB) != 0)
    return fail("is in use by another process");
  if (journal->read(identity, prompts, error))
    return journal;
  // Where not even its first line could be written, it is of no use.
  if (status.st_size == 0)
    (void)sys::fs::remove(journal->path);
  return nullptr;
}

BatchJournal::~BatchJournal() {
  if (file >= 0)
    close(file);
}

/// Appends all of `text`.
static bool append(int file, StringRef text) {
  while (!text.empty()) {
    ssize_t count = write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    text = text.drop_front(static_cast<size_t>(count));
  }
  return true;
}

bool BatchJournal::read(StringRef identity, size_t prompts,
                        std::string &error) {
  auto fail = [&](const Twine &what) {
    error = (path + ": " + what).str();
    return false;
  };
  auto buffer = MemoryBuffer::getOpenFile(
      sys::fs::convertFDToNativeFile(file), path, /*FileSize=*/-1,
      /*RequiresNullTerminator=*/false, /*IsVolatile=*/true);
  if (!buffer)
    return fail(buffer.getError().message());
  StringRef contents = (*buffer)->getBuffer();
  std::string header = toLine(json::Object{{"answers_of", identity}});
  size_t good = 0; // bytes
  if (contents.contains('\n')) {
    if (!contents.starts_with(header))
      return fail("was begun with other prompts, options or another model; "
                  "remove it to begin anew");
    good = header.size();
  }
  while (good && good < contents.size()) {
    size_t end = contents.find('\n', good);
    if (end == StringRef::npos)
      break;
    std::string problem;
    std::optional<JsonMembers> object =
        JsonMembers::parse(contents.slice(good, end), problem);
    if (!object)
      break;
    size_t line = 0;
    StringRef answer = object->find("answer");
    if (object->find("prompt").getAsInteger(10, line) || answer.empty() ||
        line >= prompts)
      return fail("is damaged: an answer belongs to no prompt; remove it to "
                  "begin anew");
    lines[line] = (answer + "\n").str();
    good = end + 1;
  }
  if (ftruncate(file, static_cast<off_t>(good)) != 0 ||
      (good == 0 && !append(file, header)))
    return fail(Twine("cannot be written: ") + std::strerror(errno));
  return true;
}

bool BatchJournal::add(size_t index, StringRef answer, std::string &error) {
  if (!append(
          file,
          formatv("{{\"prompt\":{0},\"answer\":{1}}\n", index, answer).str())) {
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  lines[index] = (answer + "\n").str();
  return true;
}

bool BatchJournal::finish(std::string &error) {
  std::string all, problem;
  for (const auto &[index, line] : lines)
    all += line;
  if (rt::outputKind(output) == rt::OutputKind::Stdout) {
    outs() << all;
    outs().flush();
    if (std::error_code code = outs().error()) {
      outs().clear_error();
      error = "stdout: " + code.message();
      return false;
    }
  } else if (!rt::writeWhole(output, all, problem)) {
    error = output + ": " + problem;
    return false;
  }
  if (std::error_code code = sys::fs::remove(path)) {
    error = path + ": " + code.message();
    return false;
  }
  return true;
}
