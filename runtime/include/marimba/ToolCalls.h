//===- ToolCalls.h - How models write calls of functions --------*- C++ -*-===//
//
// Each family was trained to write calls in a form of its own
// (docs/tool-calls.md). A form is one file of runtime/engine/toolcalls/.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLCALLS_H
#define MARIMBA_TOOLCALLS_H

#include <nlohmann/json.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::rt {

class CallReader;

/// A function that a model may call.
struct Tool {
  std::string name;
  /// The JSON schema of its arguments, an object; null: any object.
  nlohmann::ordered_json parameters;
};

/// Which functions an answer calls: OpenAI's tool_choice.
struct ToolChoice {
  enum class Kind {
    None,     // no function
    Auto,     // any or none
    Required, // one at least
    Named     // that called `name`, once
  };
  Kind kind = Kind::Auto;
  std::string name = {};

  bool forces() const { return kind == Kind::Required || kind == Kind::Named; }
};

/// A grammar in GBNF (marimba/Grammar.h). Its rules use others that it does not
/// define: those in `schemas`, by name, each what fits a JSON schema, and those
/// in `texts`, each any text up to the first of the given one, and that.
struct CallGrammar {
  std::string gbnf;
  std::vector<std::pair<std::string, nlohmann::ordered_json>> schemas;
  std::vector<std::pair<std::string, std::string>> texts;
};

/// What answers such a grammar is for.
struct CallGrammarOptions {
  /// One call or more; one otherwise.
  bool several = true;
  /// Marks that are special tokens of the vocabulary.
  std::vector<std::string> tokens = {};
  /// The answer begins inside of thoughts, which end so; empty: it does not.
  std::string thoughtsEnd = {};
};

/// How calls are written.
struct ToolCallForm {
  std::string_view name; // "hermes"
  /// The texts that stand around calls; special tokens in some vocabularies.
  std::vector<std::string_view> marks;
  /// Whether the source of a chat template asks for this form.
  bool (*isOf)(std::string_view source);
  /// What takes calls out of an answer. `tools` must outlive it.
  std::unique_ptr<CallReader> (*makeReader)(std::span<const Tool> tools);
  /// The grammar of answers that are calls of `tools`.
  CallGrammar (*grammar)(std::span<const Tool> tools,
                         const CallGrammarOptions &options);
};

/// All forms, those before others that a template of several marks is rather
/// of.
std::span<const ToolCallForm *const> toolCallForms();
/// The form called `name`; null where there is none.
const ToolCallForm *findToolCallForm(std::string_view name);
/// The form that the source of a chat template asks for; null where it has no
/// marks of any.
const ToolCallForm *detectToolCallForm(std::string_view source);

/// The functions of `tools`, OpenAI's list: {"type": "function", "function":
/// {"name", "parameters"}}, or the inner objects alone. False and `error`,
/// which names the item and the field, where it is none.
bool readTools(const nlohmann::ordered_json &tools, std::vector<Tool> &result,
               std::string &error);
/// OpenAI's tool_choice: "none", "auto", "required" or {"type": "function",
/// "function": {"name"}}; null is "auto". False and `error` for anything else,
/// and for a name that none of `tools` has.
bool readToolChoice(const nlohmann::ordered_json &choice,
                    std::span<const Tool> tools, ToolChoice &result,
                    std::string &error);

/// The grammar of answers that `choice`, which forces(), wants: of one call
/// where that is named.
CallGrammar forcedCallGrammar(const ToolCallForm &form,
                              std::span<const Tool> tools,
                              const ToolChoice &choice,
                              CallGrammarOptions options = {});

} // namespace marimba::rt

#endif // MARIMBA_TOOLCALLS_H
