//===- Driver.cpp - What the subcommands share ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Driver.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

cl::OptionCategory &driver::category() {
  static cl::OptionCategory options("Options of marimba");
  return options;
}

int driver::fail(const Twine &message) {
  outs().flush();
  errs() << "error: " << message << '\n';
  return 1;
}

void driver::printNote(StringRef message) {
  errs() << "note: " << message << '\n';
}

bool driver::ModelArgument::missing() const {
  if (!empty())
    return false;
  fail(command + ": expected MODEL, a model directory or a GGUF file");
  return true;
}

std::optional<std::vector<int32_t>> driver::parseIds(StringRef text,
                                                     StringRef what) {
  std::vector<int32_t> ids;
  constexpr StringRef separators = ", \t\r\n[]";
  for (;;) {
    text = text.ltrim(separators);
    if (text.empty())
      break;
    StringRef word =
        text.take_until([&](char c) { return separators.contains(c); });
    text = text.drop_front(word.size());
    int32_t id = 0;
    if (word.getAsInteger(10, id) || id < 0) {
      fail(what + ": expected token ids such as 3,17,5, found '" + word + "'");
      return std::nullopt;
    }
    ids.push_back(id);
  }
  if (ids.empty()) {
    fail(what + ": expected token ids such as 3,17,5, found none");
    return std::nullopt;
  }
  return ids;
}

std::optional<std::string> driver::readFile(StringRef path) {
  auto buffer = MemoryBuffer::getFileOrSTDIN(path);
  if (std::error_code code = buffer.getError()) {
    fail(path + ": " + code.message());
    return std::nullopt;
  }
  return (*buffer)->getBuffer().str();
}

int driver::writeFile(StringRef path, StringRef data) {
  // Files are replaced whole; what is none (a device, a pipe) is written to.
  sys::fs::file_status status;
  if (path != "-" && !sys::fs::status(path, status) &&
      !sys::fs::is_regular_file(status)) {
    std::error_code code;
    raw_fd_ostream os(path, code, sys::fs::CD_OpenExisting);
    if (!code) {
      os << data;
      os.flush();
      code = os.error();
      os.clear_error();
    }
    return code ? fail(path + ": " + code.message()) : 0;
  }
  Error error = writeToOutput(path, [&](raw_ostream &os) {
    os << data;
    return Error::success();
  });
  // The message names the file.
  return error ? fail(toString(std::move(error))) : 0;
}

void driver::printJson(const json::Value &value) {
  outs() << formatv("{0:2}", value) << '\n';
}

json::Array driver::jsonIds(ArrayRef<int32_t> ids) { return json::Array(ids); }

std::string driver::joinIds(ArrayRef<int32_t> ids, StringRef separator) {
  return join(map_range(ids, [](int32_t id) { return std::to_string(id); }),
              separator);
}
