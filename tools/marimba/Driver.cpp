//===- Driver.cpp - What the subcommands share ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Driver.h"
#include "tools/commands/Output.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

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
  outs().flush();
  return commands::parseIds(text, what.str());
}

std::optional<std::string> driver::readFile(StringRef path) {
  outs().flush();
  return commands::readFile(path.str());
}

bool driver::checkText(const Twine &what, StringRef text) {
  outs().flush();
  return commands::checkText(what.str(), text);
}

/// Writes to what is there already and is no file.
static int writeStream(raw_fd_ostream &os, StringRef path, StringRef data) {
  os << data;
  os.flush();
  std::error_code code = os.error();
  os.clear_error();
  return code ? driver::fail(path + ": cannot be written: " + code.message())
              : 0;
}

int driver::writeFile(StringRef path, StringRef data) {
  std::string problem;
  switch (rt::outputKind(path.str())) {
  case rt::OutputKind::Stdout:
    // main() looks whether that went well.
    outs() << data;
    return 0;
  case rt::OutputKind::Stream: {
    std::error_code code;
    raw_fd_ostream os(path, code, sys::fs::CD_OpenExisting);
    return code ? fail(path + ": cannot be written: " + code.message())
                : writeStream(os, path, data);
  }
  case rt::OutputKind::File:
    break;
  }
  if (rt::writeWhole(path.str(), {data.data(), data.size()}, problem))
    return 0;
  return fail(path + ": " + problem);
}

int driver::writeFiles(const std::vector<NamedOutput> &outputs) {
  std::vector<std::pair<rt::NewFile, std::string>> files;
  std::string problem;
  for (const NamedOutput &output : outputs) {
    if (rt::outputKind(output.path) != rt::OutputKind::File) {
      if (int code = writeFile(output.path, output.data))
        return code;
      continue;
    }
    auto file =
        rt::NewFile::replace(output.path, rt::NewFile::Use::Output, problem);
    if (!file || !file->write(output.data, 0, problem))
      return fail(output.path + ": " + problem);
    files.emplace_back(std::move(*file), output.path);
  }
  for (auto &[file, path] : files)
    if (!file.publish(problem))
      return fail(path + ": " + problem);
  return 0;
}

/// `value` with null for numbers that JSON has not; their names to `found`.
static json::Value onlyFinite(const json::Value &value, StringRef name,
                              std::vector<std::string> &found) {
  if (const json::Object *object = value.getAsObject()) {
    json::Object result;
    for (const auto &[key, member] : *object)
      result[key] = onlyFinite(member, StringRef(key), found);
    return result;
  }
  if (const json::Array *array = value.getAsArray()) {
    json::Array result;
    for (const json::Value &element : *array)
      result.push_back(onlyFinite(element, name, found));
    return result;
  }
  if (std::optional<double> number = value.getAsNumber();
      number && !std::isfinite(*number)) {
    found.push_back(name.str());
    return nullptr;
  }
  return value;
}

bool driver::outputFailed() { return outs().has_error(); }

void driver::printJson(const json::Value &value) {
  std::vector<std::string> found;
  outs() << formatv("{0:2}", onlyFinite(value, "", found)) << '\n';
  for (const std::string &name : found)
    printNote(name + " is not finite: null in JSON");
}

json::Array driver::jsonIds(ArrayRef<int32_t> ids) { return json::Array(ids); }

std::string driver::joinIds(ArrayRef<int32_t> ids, StringRef separator) {
  return commands::joinIds({ids.data(), ids.size()}, separator);
}
