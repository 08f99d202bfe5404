//===- Chat.cpp - A conversation with a model -----------------------------===//

#include "marimba/Chat.h"

#include "../tokenizer/Unicode.h"
#include "PlainForm.h"
#include "Text.h"
#include "marimba/SavedState.h"
#include "marimba/Stopwatch.h"
#include "marimba/Thoughts.h"
#include "marimba/Tokenizer.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>

namespace marimba::rt {

using Json = nlohmann::json;

/// `bytes` as UTF-8.
static std::string toUtf8(std::string_view bytes) {
  std::string text;
  text::appendLossyUtf8(bytes, text);
  return text;
}

Chat::Chat(const ReadyModel &model, const Tokenizer &tokenizer,
           const ChatTemplate *form, const ChatOptions &options)
    : model(model), tokenizer(tokenizer), form(form), options(options),
      sampler(options.sampler) {
  // Where the model would speak for the user.
  if (!form)
    this->options.stops.emplace_back(kPlainStop);
}

std::unique_ptr<Chat> Chat::create(const ReadyModel &model,
                                   const Tokenizer &tokenizer,
                                   const ChatTemplate *form,
                                   const ChatOptions &options,
                                   std::string &error) {
  std::unique_ptr<Chat> chat(new Chat(model, tokenizer, form, options));
  chat->session = model.makeSession(error);
  if (!chat->session)
    return nullptr;
  chat->cache = std::make_unique<PrefixCache>(*chat->session, model.chunk(),
                                              options.cache);
  chat->reset();
  return chat;
}

void Chat::reset() {
  session->reset(0);
  logits.clear();
  cache->clear();
  base.clear();
  history.clear();
  if (!options.system.empty())
    history.push_back({"system", options.system});
}

bool Chat::undo() {
  while (!history.empty() && history.back().role == "assistant")
    history.pop_back();
  if (history.empty() || history.back().role != "user")
    return false;
  history.pop_back();
  return true;
}

std::optional<std::vector<int32_t>> Chat::encode(bool &begunThoughts,
                                                 std::string &error) const {
  std::string text;
  if (form) {
    std::optional<std::string> rendered = form->render(
        history, /*addGenerationPrompt=*/true, error, options.values);
    if (!rendered)
      return std::nullopt;
    text = std::move(*rendered);
  } else {
    // A loaded text ends as it ends.
    text = (base.empty() ? "" : "\n\n") +
           renderPlain(history, /*addGenerationPrompt=*/true);
  }
  begunThoughts = ThoughtMarks().areBegun(text);
  std::vector<int32_t> ids = base;
  std::vector<int32_t> more = tokenizer.encode(
      text, /*addSpecialTokens=*/!form && base.empty(), &error);
  ids.insert(ids.end(), more.begin(), more.end());
  if (!error.empty() || !model.checkIds(ids, error))
    return std::nullopt;
  return ids;
}

bool Chat::ask(std::string_view question, const TextFn &onText,
               const std::function<bool()> &goOn, ChatTurn &turn,
               std::string &error) {
  turn = ChatTurn();
  const size_t before = history.size();
  auto takeBack = [&] {
    if (history.size() > before)
      history.erase(history.begin() + static_cast<std::ptrdiff_t>(before),
                    history.end());
  };
  std::string text;
  bool done = false;
  try {
    history.push_back({"user", toUtf8(question)});
    done = answer(onText, goOn, text, turn, error);
    if (!done || (turn.end == AnswerEnd::Interrupted && text.empty() &&
                  turn.thoughts.empty()))
      takeBack();
    else // as the state holds it, with the space in front
      history.push_back({"assistant", text, turn.thoughts});
    turn.answer = text::trimLeft(text);
  } catch (...) {
    logits.clear();
    takeBack();
    throw;
  }
  if (!done)
    logits.clear();
  return done;
}

bool Chat::answer(const TextFn &onText, const std::function<bool()> &goOn,
                  std::string &answer, ChatTurn &turn, std::string &error) {
  bool begunThoughts = false;
  std::optional<std::vector<int32_t>> ids = encode(begunThoughts, error);
  // The end of what was said is where /undo comes back to.
  if (!ids || !cache->mark(error))
    return false;
  Stopwatch watch;
  PrefixCache::Moved moved;
  if (!cache->moveTo(*ids, logits, goOn, moved, error))
    return false;
  turn.reusedTokens = moved.reused;
  turn.readTokens = moved.read;
  turn.readSeconds = watch.restart();
  if (!moved.complete) {
    logits.clear();
    turn.end = AnswerEnd::Interrupted;
    return true;
  }
  if (!cache->mark(error))
    return false;

  // What was read counts for the penalty, too.
  sampler.see(*ids);
  sampler.beginAnswer();
  AnswerText shownText(
      tokenizer, options.stops, *ids,
      specialTokens(tokenizer, {kThoughtsBegin, kThoughtsEnd}));
  Thoughts thoughts(begunThoughts);
  bool begins = true;
  auto hear = [&](std::string_view text) {
    // Forms such as "Assistant:" leave a space to the answer.
    if (begins)
      text = text::trimLeft(text);
    if (text.empty())
      return;
    begins = false;
    onText(text);
  };
  auto add = [&](const std::string &text) {
    std::string said = thoughts.push(text);
    answer += said;
    if (options.hidesThoughts)
      return hear(said);
    if (begunThoughts)
      hear(std::string(kThoughtsBegin) + "\n");
    begunThoughts = false;
    hear(text);
  };
  turn.end = AnswerEnd::Length;
  while (turn.newTokens < static_cast<size_t>(options.maxTokens)) {
    if (!goOn()) {
      turn.end = AnswerEnd::Interrupted;
      break;
    }
    int32_t token = sampler.sample(logits);
    ++turn.newTokens;
    // A stop text may have in it what ends an answer.
    bool ends =
        std::ranges::find(model.endIds(), token) != model.endIds().end();
    if (!ends || tokenizer.isSpecial(token))
      add(shownText.push(token));
    if (shownText.stopped() || ends) {
      turn.end = shownText.stopped() ? AnswerEnd::Stop : AnswerEnd::Model;
      break;
    }
    if (!session->append({&token, 1}, LogitsWanted::Last, logits, error))
      return false;
  }
  add(shownText.finish());
  std::string rest = thoughts.finish();
  answer += rest;
  if (options.hidesThoughts)
    hear(rest);
  turn.thoughts = thoughts.text();
  turn.answerSeconds = watch.seconds();
  return true;
}

bool Chat::save(const std::string &path, std::string &error) {
  Json list = Json::array();
  for (const ChatMessage &message : history) {
    list.push_back(
        {{"role", message.role}, {"content", toUtf8(message.content)}});
    if (!message.reasoning.empty())
      list.back()["reasoning"] = toUtf8(message.reasoning);
  }
  Json attachment = {{"chat", std::move(list)}, {"base_tokens", base.size()}};
  return session->save(0, model.stateOrigin(), path, error, attachment.dump(),
                       logits);
}

/// What a saved conversation says of itself.
static bool parseAttachment(std::string_view text,
                            std::vector<ChatMessage> &messages, int64_t &base) {
  Json object = tryParseJsonText(text);
  if (!object.is_object() || !object.contains("chat") ||
      !object["chat"].is_array() || !object.contains("base_tokens"))
    return false;
  std::optional<int64_t> count = integerIn(object["base_tokens"], INT64_MIN);
  if (!count)
    return false;
  for (const Json &message : object["chat"]) {
    auto isText = [&](const char *name) {
      return message.is_object() && message.contains(name) &&
             message[name].is_string();
    };
    bool thinks = message.is_object() && message.contains("reasoning");
    if (!isText("role") || !isText("content") ||
        (thinks && !isText("reasoning")))
      return false;
    messages.push_back({message["role"].get<std::string>(),
                        message["content"].get<std::string>(),
                        thinks ? message["reasoning"].get<std::string>() : ""});
  }
  base = *count;
  return true;
}

bool Chat::load(const std::string &path,
                const std::function<void(const std::string &)> &note,
                std::string &error) {
  std::optional<SavedState> saved = SavedState::read(path, error);
  if (!saved)
    return false;
  std::span<const int32_t> ids = saved->tokens();
  std::vector<ChatMessage> messages;
  // A session of another command is what was read before the conversation.
  auto front = static_cast<int64_t>(ids.size());
  if (!saved->attachment().empty() &&
      (!parseAttachment(saved->attachment(), messages, front) || front < 0 ||
       front > static_cast<int64_t>(ids.size()))) {
    error = path + ": has an attachment that is not a conversation";
    return false;
  }
  if (!session->restore(0, *saved, model.stateOrigin(), note, error))
    return false;
  logits.assign(saved->logits().begin(), saved->logits().end());
  cache->clear();
  base.assign(ids.begin(), ids.begin() + front);
  history = std::move(messages);
  if (saved->attachment().empty() && !options.system.empty())
    history.push_back({"system", options.system});
  return cache->mark(error);
}

} // namespace marimba::rt
