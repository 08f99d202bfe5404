//===- ChatPrompt.cpp - A request's messages as tokens --------------------===//

#include "marimba/ChatPrompt.h"

#include "ChatMessages.h"
#include "PlainForm.h"
#include "Text.h"
#include "marimba/Tokenizer.h"

#include <algorithm>
#include <set>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

/// Whether the tokens in front of a place are those of the text by itself is
/// looked at where so much text at most is between it and the last added token.
static constexpr size_t kLongestCheck = 1 << 15;

class ChatForm::Renderer {
public:
  /// Of `messages` as readMessages() gives them. Null and `error` where they
  /// cannot be rendered.
  static std::unique_ptr<Renderer> create(const ChatTemplate *form,
                                          const Json &messages,
                                          const TemplateValues &values,
                                          std::string &error);

  size_t messages() const { return roles.size(); }
  bool isAnswer(size_t index) const { return roles[index] == "assistant"; }
  std::optional<std::string> render(size_t count, bool addGenerationPrompt,
                                    std::string &error) const {
    if (input)
      return form->render(*input, count, addGenerationPrompt, error);
    return renderPlain(std::span(plain).first(count), addGenerationPrompt);
  }
  /// Whether tokens that start a text are not spelled out in it.
  bool addsSpecialTokens() const { return !input; }

private:
  bool readPlain(const Json &messages, std::string &error);

  const ChatTemplate *form = nullptr;
  std::unique_ptr<TemplateInput> input; // null without a template
  std::vector<ChatMessage> plain;
  std::vector<std::string> roles;
};

std::unique_ptr<ChatForm::Renderer>
ChatForm::Renderer::create(const ChatTemplate *form, const Json &messages,
                           const TemplateValues &values, std::string &error) {
  auto renderer = std::make_unique<Renderer>();
  for (const Json &message : messages)
    renderer->roles.push_back(message["role"].get<std::string>());
  renderer->form = form;
  if (form)
    renderer->input = TemplateInput::create(messages, values, error);
  bool good =
      form ? renderer->input != nullptr : renderer->readPlain(messages, error);
  return good ? std::move(renderer) : nullptr;
}

bool ChatForm::Renderer::readPlain(const Json &messages, std::string &error) {
  for (size_t i = 0; i < messages.size(); ++i) {
    std::string content = messages[i]["content"].get<std::string>();
    if (roles[i] == "tool" || messages[i].contains("tool_calls")) {
      error = "messages[" + std::to_string(i) +
              "] is of a call, and the model has no chat template to write it";
      return false;
    }
    // An answer begins with the space that the form leaves to it.
    if (isAnswer(i) && !content.starts_with(' '))
      content = " " + content;
    plain.push_back({roles[i], content});
  }
  return true;
}

/// A call of a function `f` with the argument `marimba_probe`.
static Json probeCall(bool asText) {
  Json arguments{{"marimba_probe", "x"}};
  if (asText)
    arguments = arguments.dump();
  return {{"id", "call00000"},
          {"type", "function"},
          {"function", {{"name", "f"}, {"arguments", std::move(arguments)}}}};
}

/// Whether the template writes the arguments of a call as a model would.
bool ChatForm::probeArguments(bool asText) const {
  Json messages = Json::array();
  messages.push_back({{"role", "user"}, {"content", "x"}});
  messages.push_back({{"role", "assistant"}, {"content", ""}});
  messages.back()["tool_calls"] = Json::array({probeCall(asText)});
  std::string error;
  auto input = TemplateInput::create(messages, {}, error);
  std::optional<std::string> text;
  if (input)
    text = form->render(*input, messages.size(), false, error);
  // Neither as Python writes dictionaries, nor as text inside of a text.
  return text && text->find("marimba_probe") != text->npos &&
         text->find("{'marimba_probe'") == text->npos &&
         text->find("\\\"marimba_probe") == text->npos;
}

ChatForm::ChatForm(const Tokenizer &tokenizer, const ChatTemplate *form,
                   const ToolCallForm *calls)
    : tokenizer(tokenizer), form(form), callForm(calls) {
  std::vector<std::string_view> texts;
  if (form) {
    marks = ThoughtMarks::of(form->source());
    if (!callForm)
      callForm = detectToolCallForm(form->source());
    wantsArgumentText = !probeArguments(false) && probeArguments(true);
  }
  if (callForm)
    texts = callForm->marks;
  for (std::string_view mark :
       {marks.begin, marks.end, marks.answerBegin, marks.answerEnd})
    if (!mark.empty())
      texts.push_back(mark);
  spokenIds = specialTokens(tokenizer, texts);
}

std::vector<std::string> ChatForm::stops() const {
  if (form)
    return {};
  return {std::string(kPlainStop)};
}

std::optional<CallGrammar> ChatForm::callGrammar(const ChatPrompt &prompt,
                                                 bool parallel) const {
  if (!callForm || !prompt.choice.forces())
    return std::nullopt;
  CallGrammarOptions options;
  options.several = parallel;
  for (int32_t id : spokenIds)
    options.tokens.push_back(tokenizer.idToToken(id).value_or(""));
  if (prompt.begunThoughts)
    options.thoughtsEnd = marks.end;
  return forcedCallGrammar(*callForm, prompt.tools, prompt.choice,
                           std::move(options));
}

namespace {
/// Finds how many of the tokens of a text those of its beginnings are.
class Positions {
public:
  Positions(const Tokenizer &tokenizer, std::string_view text,
            const std::vector<int32_t> &ids,
            const std::vector<Tokenizer::Found> &found)
      : tokenizer(tokenizer), text(text), ids(ids), found(found) {}

  /// The tokens of the first `end` bytes by themselves; nothing where they are
  /// not the first ones of the whole.
  std::optional<size_t> at(size_t end) const;

private:
  const Tokenizer &tokenizer;
  std::string_view text;
  const std::vector<int32_t> &ids;
  const std::vector<Tokenizer::Found> &found;
};
} // namespace

std::optional<size_t> Positions::at(size_t end) const {
  auto next = std::ranges::upper_bound(found, end, {}, &Tokenizer::Found::end);
  // Before the last added token nothing changes, so that is where it begins.
  size_t begin = 0, before = 0;
  if (next != found.begin()) {
    const Tokenizer::Found &last = *std::prev(next);
    if (last.end == end)
      return last.ids;
    begin = last.begin;
    before = last.ids - 1;
  }
  if (end - begin > kLongestCheck)
    return std::nullopt;
  std::string error;
  std::vector<int32_t> own = tokenizer.encode(
      text.substr(begin, end - begin), /*addSpecialTokens=*/false, &error);
  if (!error.empty() || own.size() > ids.size() - before ||
      !std::equal(own.begin(), own.end(), ids.begin() + before))
    return std::nullopt;
  return before + own.size();
}

/// Where `part` begins in `whole`.
static size_t findIds(const std::vector<int32_t> &whole,
                      const std::vector<int32_t> &part) {
  return static_cast<size_t>(std::ranges::search(whole, part).begin() -
                             whole.begin());
}

/// Encodes the text of `prompt` and finds where its messages end.
bool ChatForm::encode(Renderer &renderer, ChatPrompt &prompt,
                      std::string &error) const {
  std::vector<Tokenizer::Found> found;
  prompt.ids = tokenizer.encode(prompt.text, found, error);
  if (!error.empty())
    return false;
  std::set<size_t> ends; // in bytes
  auto add = [&](size_t count, bool begins) {
    std::string ignored; // a template may refuse a part of a conversation
    std::optional<std::string> part = renderer.render(count, begins, ignored);
    if (part && !part->empty() && prompt.text.starts_with(*part))
      ends.insert(part->size());
  };
  // All that is in front is rendered for each; which ends are looked for
  // depends on their place alone, so that they stay as messages are added.
  constexpr size_t kEach = 1024, kEvery = 256;
  for (size_t count = 0; count <= renderer.messages(); ++count) {
    if (count > kEach && count % kEvery != 0)
      continue;
    if (count > 0)
      add(count, /*begins=*/false);
    if (count < renderer.messages() && renderer.isAnswer(count))
      add(count, /*begins=*/true);
  }
  Positions positions(tokenizer, prompt.text, prompt.ids, found);
  std::set<size_t> tokens{prompt.ids.size()};
  for (size_t end : ends)
    if (std::optional<size_t> position = positions.at(end))
      tokens.insert(*position);
  size_t front = 0;
  if (renderer.addsSpecialTokens()) {
    std::vector<int32_t> whole = tokenizer.encode(prompt.text, true, &error);
    front = findIds(whole, prompt.ids);
    prompt.ids = std::move(whole);
    // What stands behind a text belongs to its end.
    tokens.erase(std::prev(tokens.end()));
    tokens.insert(prompt.ids.size() - front);
  }
  for (size_t position : tokens)
    if (position > 0)
      prompt.boundaries.push_back(static_cast<int64_t>(front + position));
  return error.empty();
}

/// Cuts `text` behind `content`, which stands near its end.
static bool cutBehind(std::string_view content, std::string &text) {
  content = text::trim(content);
  size_t at = content.empty() ? text.npos : text.rfind(content);
  if (at == text.npos)
    return false;
  text.resize(at + content.size());
  return true;
}

std::optional<ChatPrompt> ChatForm::prompt(const ChatRequest &request,
                                           std::string &error) const {
  try {
    return makePrompt(request, error);
  } catch (const std::exception &exception) { // texts that are not UTF-8
    error = exception.what();
    return std::nullopt;
  }
}

std::optional<ChatPrompt> ChatForm::makePrompt(const ChatRequest &request,
                                               std::string &error) const {
  error.clear();
  ChatPrompt prompt;
  if (!readTools(request.tools, prompt.tools, error) ||
      !readToolChoice(request.toolChoice, prompt.tools, prompt.choice, error))
    return std::nullopt;
  TemplateValues values;
  values.thinks = request.thinks;
  if (prompt.choice.kind == ToolChoice::Kind::None)
    prompt.tools.clear();
  if (!prompt.tools.empty()) {
    if (!form || !form->mentions("tools")) {
      error = "tools: the model has no chat template that tells it of any";
      return std::nullopt;
    }
    values.tools = request.tools.dump();
  }
  if (!request.values.is_null())
    values.others = request.values.dump();

  MessageStyle style;
  if (form)
    style = MessageStyle::of(form->source());
  style.wantsArgumentText = wantsArgumentText;
  Json messages = readMessages(request.messages, style, error);
  if (messages.is_null())
    return std::nullopt;
  auto renderer = Renderer::create(form, messages, values, error);
  if (!renderer)
    return std::nullopt;
  std::optional<std::string> text = renderer->render(
      messages.size(), /*addGenerationPrompt=*/!request.continuesLast, error);
  if (!text)
    return std::nullopt;
  prompt.text = std::move(*text);
  if (request.continuesLast) {
    const Json &last = messages.back();
    if (!renderer->isAnswer(messages.size() - 1) ||
        !cutBehind(last["content"].get<std::string>(), prompt.text)) {
      error = "messages[" + std::to_string(messages.size() - 1) +
              "]: expected an answer with text to continue";
      return std::nullopt;
    }
  } else {
    prompt.begunThoughts = marks.areBegun(prompt.text);
  }
  if (!encode(*renderer, prompt, error))
    return std::nullopt;
  return prompt;
}

} // namespace marimba::rt
