//===- PieceSpaces.cpp - Texts as a unigram vocabulary sees them ----------===//

#include "PieceSpaces.h"

#include <algorithm>

namespace marimba::rt::text {

std::string PieceSpaces::normalize(std::string_view text) const {
  constexpr std::string_view mark = "\u2581";
  std::string mapped = charsMap.replace(text);
  std::string_view rest = mapped;
  if (removesExtra) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    rest = rest.substr(0, rest.find_last_not_of(' ') + 1);
  }
  std::string result;
  result.reserve(rest.size() + rest.size() / 2);
  if (addsPrefix && !rest.empty())
    result += mark;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != ' ')
      result += rest[i];
    else if (!removesExtra || rest[i - 1] != ' ')
      result += mark;
  }
  return result;
}

namespace {

class PiecesModel : public Model {
public:
  PiecesModel(PieceSpaces spaces, std::unique_ptr<Model> model)
      : spaces(std::move(spaces)), model(std::move(model)) {}

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override {
    model->tokenize(spaces.normalize(word), ids);
  }
  std::optional<int32_t> tokenToId(std::string_view token) const override {
    return model->tokenToId(token);
  }
  const std::string *idToToken(int32_t id) const override {
    return model->idToToken(id);
  }
  int64_t idLimit() const override { return model->idLimit(); }
  int64_t tokenCount() const override { return model->tokenCount(); }

private:
  PieceSpaces spaces;
  std::unique_ptr<Model> model;
};

} // namespace

std::unique_ptr<Model> createPiecesModel(PieceSpaces spaces,
                                         std::unique_ptr<Model> model) {
  return std::make_unique<PiecesModel>(std::move(spaces), std::move(model));
}

} // namespace marimba::rt::text
