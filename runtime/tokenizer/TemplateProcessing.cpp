//===- TemplateProcessing.cpp - Special tokens around a text --------------===//

#include "Stages.h"

namespace marimba::rt::text {

namespace {

/// Puts fixed ids around the ids of a text. Only the template for one text
/// (`single`) matters here.
class TemplateProcessing : public PostProcessor {
public:
  TemplateProcessing(std::vector<int32_t> before, std::vector<int32_t> after)
      : pieces{
            {false, std::move(before)}, {true, {}}, {false, std::move(after)}} {
  }

  explicit TemplateProcessing(const Field &field) {
    for (const Field &item : field.at("single").items())
      pieces.push_back(createPiece(item, field));
  }

  std::vector<int32_t> process(std::vector<int32_t> ids,
                               bool addSpecialTokens) const override {
    std::vector<int32_t> result;
    for (const Piece &piece : pieces) {
      if (piece.isText)
        result.insert(result.end(), ids.begin(), ids.end());
      else if (addSpecialTokens)
        result.insert(result.end(), piece.ids.begin(), piece.ids.end());
    }
    return result;
  }

  void appendOwnIds(std::vector<int32_t> &ids) const override {
    for (const Piece &piece : pieces)
      ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }

private:
  /// The text, or fixed ids.
  struct Piece {
    bool isText;
    std::vector<int32_t> ids;
  };

  static Piece createPiece(const Field &item, const Field &field) {
    if (std::optional<Field> sequence = item.find("Sequence")) {
      Field id = sequence->at("id");
      if (id.getString() != "A")
        id.fail("is " + quote(id.getString()) + ", expected \"A\"");
      return {true, {}};
    }
    if (std::optional<Field> special = item.find("SpecialToken")) {
      Field tokens = field.at("special_tokens");
      Piece piece{false, {}};
      for (const Field &id :
           tokens.at(special->at("id").getString()).at("ids").items())
        piece.ids.push_back(id.getId());
      return piece;
    }
    item.fail("is neither a \"Sequence\" nor a \"SpecialToken\"");
  }

  std::vector<Piece> pieces;
};

} // namespace

std::unique_ptr<PostProcessor> createSurroundings(std::vector<int32_t> before,
                                                  std::vector<int32_t> after) {
  return std::make_unique<TemplateProcessing>(std::move(before),
                                              std::move(after));
}

std::unique_ptr<PostProcessor> createBertProcessing(const Field &field) {
  auto idAt = [&](std::string_view key) {
    Field pair = field.at(key);
    std::vector<Field> items = pair.items();
    if (items.size() != 2)
      pair.fail("has " + std::to_string(items.size()) +
                " elements, expected 2: a token and its id");
    return std::vector<int32_t>{items[1].getId()};
  };
  return createSurroundings(idAt("cls"), idAt("sep"));
}

std::unique_ptr<PostProcessor> createTemplateProcessing(const Field &field) {
  return std::make_unique<TemplateProcessing>(field);
}

} // namespace marimba::rt::text
