//===- PackageTemplates.cpp - The form of a conversation ------------------===//

#include "PackageFile.h"
#include "marimba/InputFile.h"
#include "marimba/Package.h"

#include "../tokenizer/Field.h"

namespace marimba::rt {

namespace fs = std::filesystem;
using text::Field;
using text::Json;

std::string packTemplates(const std::vector<NamedTemplate> &templates,
                          const ChatTemplate::Variables &variables) {
  Json list = Json::array(), names = Json::array();
  for (const NamedTemplate &one : templates)
    list.push_back(
        {{"name", one.name}, {"source", one.source}, {"place", one.place}});
  for (const auto &[name, value] : variables)
    names.push_back({{"name", name}, {"text", value}});
  Json all = {{"templates", std::move(list)}, {"variables", std::move(names)}};
  // What is not UTF-8 in a GGUF file is nothing that a template could print.
  return all.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::unique_ptr<ChatTemplate>
loadPackageTemplate(const fs::path &package, const PackageManifest &manifest,
                    const fs::path &directory, const std::string &name,
                    std::string &error) {
  error.clear();
  if (manifest.ggufTokenizer.empty())
    return ChatTemplate::load(directoryOf(package, manifest, directory), name,
                              error);
  fs::path path = package / kPackagedTemplates;
  std::optional<std::string> text =
      readNamed(path.string(), kLongestText, error);
  if (!text)
    return nullptr;
  std::vector<NamedTemplate> templates;
  ChatTemplate::Variables variables;
  try {
    Json json = text::parseJson(*text);
    auto string = [](const Field &field, const char *member) {
      return std::string(field.at(member).getString());
    };
    for (const Field &one : Field(json).at("templates").items())
      templates.push_back(
          {string(one, "name"), string(one, "source"), string(one, "place")});
    for (const Field &one : Field(json).at("variables").items())
      variables.emplace_back(string(one, "name"), string(one, "text"));
  } catch (const std::exception &exception) {
    error = path.string() + ": " + exception.what();
    return nullptr;
  }
  return ChatTemplate::choose(templates, name, package.string(),
                              std::move(variables), error);
}

} // namespace marimba::rt
