//===- BatchFile.cpp - Prompts and answers on the disk --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/BatchFile.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

/// The ids of an array of numbers; false where it is something else.
static bool readIds(const json::Value &value, std::vector<int32_t> &ids) {
  const json::Array *list = value.getAsArray();
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
    Expected<json::Value> parsed = json::parse(line);
    if (!parsed)
      return fail(toString(parsed.takeError()));
    const json::Object *object = parsed->getAsObject();
    const json::Value *text = object ? object->get("prompt") : nullptr;
    const json::Value *ids = object ? object->get("ids") : nullptr;
    if (!object || !text == !ids)
      return fail("expected an object with \"prompt\" or \"ids\"");
    PromptLine prompt;
    if (text && !text->getAsString())
      return fail("\"prompt\": expected a text");
    if (text)
      prompt.text = text->getAsString()->str();
    if (text && prompt.text.empty())
      return fail("\"prompt\": expected a text, found an empty one");
    if (ids && !readIds(*ids, prompt.ids))
      return fail("\"ids\": expected an array of token ids");
    if (const json::Value *id = object->get("id"))
      prompt.id = *id;
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
  journal->file = ::open(journal->path.c_str(),
                         O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (journal->file < 0) {
    error = journal->path + ": " + std::strerror(errno);
    return nullptr;
  }
  if (flock(journal->file, LOCK_EX | LOCK_NB) != 0) {
    error = journal->path + ": is in use by another process";
    return nullptr;
  }
  return journal->read(identity, prompts, error) ? std::move(journal) : nullptr;
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
    Expected<json::Value> parsed = json::parse(contents.slice(good, end));
    if (!parsed) {
      consumeError(parsed.takeError());
      break;
    }
    const json::Object *object = parsed->getAsObject();
    std::optional<int64_t> line =
        object ? object->getInteger("prompt") : std::nullopt;
    const json::Value *answer = object ? object->get("answer") : nullptr;
    if (!line || !answer || *line < 0 || *line >= static_cast<int64_t>(prompts))
      return fail("is damaged: an answer belongs to no prompt; remove it to "
                  "begin anew");
    lines[static_cast<size_t>(*line)] = toLine(*answer);
    good = end + 1;
  }
  if (ftruncate(file, static_cast<off_t>(good)) != 0 ||
      (good == 0 && !append(file, header)))
    return fail(std::strerror(errno));
  return true;
}

bool BatchJournal::add(size_t index, const json::Value &answer,
                       std::string &error) {
  if (!append(file, toLine(json::Object{{"prompt", static_cast<int64_t>(index)},
                                        {"answer", answer}}))) {
    error = path + ": " + std::strerror(errno);
    return false;
  }
  lines[index] = toLine(answer);
  return true;
}

bool BatchJournal::finish(std::string &error) {
  Error failed = writeToOutput(output, [&](raw_ostream &os) {
    for (const auto &[index, line] : lines)
      os << line;
    return Error::success();
  });
  if (failed) {
    error = toString(std::move(failed));
    return false;
  }
  if (std::error_code code = sys::fs::remove(path)) {
    error = path + ": " + code.message();
    return false;
  }
  return true;
}
