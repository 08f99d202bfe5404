//===- Chat.cpp - A conversation with a model -----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Chat.h"
#include "tools/libmarimba/Stopwatch.h"

#include "marimba/AnswerText.h"
#include "marimba/SavedState.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace marimba;
using namespace llvm;

Chat::Chat(LoadedModel &model, const rt::Tokenizer &tokenizer,
           const rt::ChatTemplate *form, const ChatOptions &options)
    : model(model), tokenizer(tokenizer), form(form), options(options),
      sampler(options.sampler) {
  // Where the model would speak for the user.
  if (!form)
    this->options.stops.push_back("\nUser:");
}

std::unique_ptr<Chat> Chat::create(LoadedModel &model,
                                   const rt::Tokenizer &tokenizer,
                                   const rt::ChatTemplate *form,
                                   const ChatOptions &options,
                                   std::string &error) {
  std::unique_ptr<Chat> chat(new Chat(model, tokenizer, form, options));
  chat->session = model.makeSession(error);
  if (!chat->session)
    return nullptr;
  chat->cache = std::make_unique<rt::PrefixCache>(*chat->session, model.chunk(),
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

/// The form of a conversation where the model has none of its own.
static std::string renderPlain(ArrayRef<rt::ChatMessage> messages) {
  std::string text;
  for (const rt::ChatMessage &message : messages) {
    if (message.role == "system")
      text += message.content + "\n\n";
    else if (message.role == "user")
      text += "User: " + message.content + "\n";
    else
      text += "Assistant:" + message.content + "\n";
  }
  return text + "Assistant:";
}

std::optional<std::vector<int32_t>> Chat::encode(std::string &error) const {
  std::string text;
  if (form) {
    std::optional<std::string> rendered =
        form->render(history, /*addGenerationPrompt=*/true, error);
    if (!rendered)
      return std::nullopt;
    text = std::move(*rendered);
  } else {
    // A loaded text ends as it ends.
    text = (base.empty() ? "" : "\n\n") + renderPlain(history);
  }
  std::vector<int32_t> ids = base;
  append_range(ids, tokenizer.encode(text,
                                     /*addSpecialTokens=*/!form && base.empty(),
                                     &error));
  if (!error.empty() || !model.checkIds(ids, error))
    return std::nullopt;
  return ids;
}

bool Chat::ask(StringRef question, function_ref<void(StringRef)> onText,
               function_ref<bool()> goOn, ChatTurn &turn, std::string &error) {
  turn = ChatTurn();
  history.push_back({"user", json::fixUTF8(question)});
  std::string text;
  bool done = answer(onText, goOn, text, turn, error);
  if (!done)
    logits.clear();
  if (!done || (turn.end == ChatTurn::End::Interrupted && text.empty()))
    history.pop_back();
  else // as the state holds it, with the space in front
    history.push_back({"assistant", text});
  turn.answer = StringRef(text).ltrim().str();
  return done;
}

bool Chat::answer(function_ref<void(StringRef)> onText,
                  function_ref<bool()> goOn, std::string &answer,
                  ChatTurn &turn, std::string &error) {
  std::optional<std::vector<int32_t>> ids = encode(error);
  // The end of what was said is where /undo comes back to.
  if (!ids || !cache->mark(error))
    return false;
  Stopwatch watch;
  rt::PrefixCache::Moved moved;
  if (!cache->moveTo(*ids, logits, goOn, moved, error))
    return false;
  turn.reusedTokens = moved.reused;
  turn.readTokens = moved.read;
  turn.readSeconds = watch.restart();
  if (!moved.complete) {
    logits.clear();
    turn.end = ChatTurn::End::Interrupted;
    return true;
  }
  if (!cache->mark(error))
    return false;

  // What was read counts for the penalty, too.
  sampler.see({ids->data(), ids->size()});
  rt::AnswerText shownText(tokenizer, options.stops, *ids);
  auto add = [&](const std::string &text) {
    bool begins = StringRef(answer).trim().empty();
    answer += text;
    // Forms such as "Assistant:" leave a space to the answer.
    StringRef shown = begins ? StringRef(text).ltrim() : StringRef(text);
    if (!shown.empty())
      onText(shown);
  };
  turn.end = ChatTurn::End::Length;
  while (turn.newTokens < static_cast<size_t>(options.maxTokens)) {
    if (!goOn()) {
      turn.end = ChatTurn::End::Interrupted;
      break;
    }
    int32_t token = sampler.sample(logits);
    ++turn.newTokens;
    // A stop text may have in it what ends an answer.
    bool ends = is_contained(model.endIds(), token);
    if (!ends || tokenizer.isSpecial(token))
      add(shownText.push(token));
    if (shownText.stopped() || ends) {
      turn.end =
          shownText.stopped() ? ChatTurn::End::Stop : ChatTurn::End::Model;
      break;
    }
    if (!session->append({&token, 1}, rt::LogitsWanted::Last, logits, error))
      return false;
  }
  add(shownText.finish());
  turn.answerSeconds = watch.seconds();
  return true;
}

bool Chat::save(StringRef path, std::string &error) {
  json::Array list;
  for (const rt::ChatMessage &message : history)
    list.push_back(json::Object{{"role", message.role},
                                {"content", json::fixUTF8(message.content)}});
  json::Value attachment = json::Object{
      {"chat", std::move(list)},
      {"base_tokens", static_cast<int64_t>(base.size())},
  };
  return session->save(0, model.stateOrigin(), path.str(), error,
                       formatv("{0}", attachment).str(), logits);
}

/// What a saved conversation says of itself.
static bool parseAttachment(StringRef text,
                            std::vector<rt::ChatMessage> &messages,
                            int64_t &base) {
  Expected<json::Value> parsed = json::parse(text);
  if (!parsed) {
    consumeError(parsed.takeError());
    return false;
  }
  const json::Object *object = parsed->getAsObject();
  const json::Array *list = object ? object->getArray("chat") : nullptr;
  std::optional<int64_t> count =
      object ? object->getInteger("base_tokens") : std::nullopt;
  if (!list || !count)
    return false;
  for (const json::Value &entry : *list) {
    const json::Object *message = entry.getAsObject();
    std::optional<StringRef> role, content;
    if (message) {
      role = message->getString("role");
      content = message->getString("content");
    }
    if (!role || !content)
      return false;
    messages.push_back({role->str(), content->str()});
  }
  base = *count;
  return true;
}

bool Chat::load(StringRef path, NoteFn note, std::string &error) {
  std::optional<rt::SavedState> saved = rt::SavedState::read(path.str(), error);
  if (!saved)
    return false;
  std::span<const int32_t> ids = saved->tokens();
  std::vector<rt::ChatMessage> messages;
  // A session of another command is what was read before the conversation.
  auto front = static_cast<int64_t>(ids.size());
  if (!saved->attachment().empty() &&
      (!parseAttachment(saved->attachment(), messages, front) || front < 0 ||
       front > static_cast<int64_t>(ids.size()))) {
    error = (path + ": has an attachment that is no conversation").str();
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
