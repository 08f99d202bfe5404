//===- ChatPrompt.h - A request's messages as tokens ------------*- C++ -*-===//
//
// What servers of OpenAI's kind are sent, written in the form of a model
// (docs/tool-calls.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_CHATPROMPT_H
#define MARIMBA_CHATPROMPT_H

#include "marimba/ChatTemplate.h"
#include "marimba/Thoughts.h"
#include "marimba/ToolCalls.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class Tokenizer;

/// A request, as OpenAI's chat completions have it. The order of keys counts:
/// templates write tools and arguments as they came. Whoever parses it sees to
/// it that it does not nest too deep (formats/JsonGuard.h).
struct ChatRequest {
  nlohmann::ordered_json messages; // a list, one at least
  nlohmann::ordered_json tools;    // a list; null: none
  /// See readToolChoice(). With "none" the template finds no tools.
  nlohmann::ordered_json toolChoice;
  /// enable_thinking, where somebody says it.
  std::optional<bool> thinks;
  /// chat_template_kwargs: an object of what the template may use besides;
  /// null: nothing.
  nlohmann::ordered_json values;
  /// The last message is the assistant's and not finished: the answer goes on
  /// with its text.
  bool continuesLast = false;
};

/// The prompt of a request.
struct ChatPrompt {
  std::string text;
  std::vector<int32_t> ids;
  /// Positions in `ids`, ascending, in (0, ids.size()]: where a message ends,
  /// and where an answer begins, so also the end of the prompt. Only such at
  /// which the tokens before are those of the messages before alone. A longer
  /// conversation that begins with the same messages, tools and values has the
  /// same ones as far as its tokens are the same.
  std::vector<int64_t> boundaries;
  /// The template has begun thoughts, which the answer goes on with.
  bool begunThoughts = false;
  ToolChoice choice;
  /// What may be called; none where `choice` is so.
  std::vector<Tool> tools;
};

/// How the conversations with a model are written. Immutable: for any number of
/// threads.
class ChatForm {
public:
  /// `form` is null for a model without a template. Both must outlive this.
  /// `calls`: the form of calls that the model was trained on; null: that which
  /// the template asks for.
  ChatForm(const Tokenizer &tokenizer, const ChatTemplate *form,
           const ToolCallForm *calls = nullptr);

  /// Nothing, and `error`, one line that names the message and its field
  /// ("messages[3].role is ..."), where the request is not allowed or the
  /// template refuses it.
  std::optional<ChatPrompt> prompt(const ChatRequest &request,
                                   std::string &error) const;

  /// The beginning that all prompts have which go on behind `answer`, a
  /// message, to `request`, up to the last of their boundaries that is sure:
  /// where the template says so, the end of the answer. Written by the
  /// template, so without thoughts where it leaves them out, and whatever
  /// tokens the answer was made of. Nothing where that is not known; `text` is
  /// not told.
  std::optional<ChatPrompt>
  nextTurn(const ChatRequest &request,
           const nlohmann::ordered_json &answer) const;

  /// The grammar of answers to a prompt whose choice forces calls; `parallel`:
  /// several are fine. Nothing where calls() is null, or nothing is forced.
  std::optional<CallGrammar> callGrammar(const ChatPrompt &prompt,
                                         bool parallel = true) const;

  /// How calls are written; null where the template says nothing of it.
  const ToolCallForm *calls() const { return callForm; }
  /// Special tokens whose text belongs to an answer: marks of thoughts and
  /// calls. For AnswerText.
  const std::vector<int32_t> &spoken() const { return spokenIds; }
  /// Texts that end an answer in any case: of a model without a template, where
  /// it would speak for the user.
  std::vector<std::string> stops() const;
  /// What stands around thoughts.
  const ThoughtMarks &thoughtMarks() const { return marks; }

private:
  /// Renders the first messages, with the start of an answer or without.
  class Renderer;
  std::optional<ChatPrompt> makePrompt(const ChatRequest &request,
                                       std::string &error) const;
  bool probeArguments(bool asText) const;
  bool encode(Renderer &renderer, ChatPrompt &prompt, std::string &error) const;

  const Tokenizer &tokenizer;
  const ChatTemplate *form;
  const ToolCallForm *callForm;
  ThoughtMarks marks;
  std::vector<int32_t> spokenIds;
  /// The template wants arguments as the text of JSON, not as an object.
  bool wantsArgumentText = false;
};

} // namespace marimba::rt

#endif // MARIMBA_CHATPROMPT_H
