//===- Chat.cpp - marimba chat --------------------------------------------===//
//
// Part of Marimba. A conversation on the terminal, or piped.
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Text.h"
#include "tools/commands/ChatInput.h"
#include "tools/commands/Commands.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Json.h"
#include "tools/commands/Models.h"
#include "tools/commands/Output.h"
#include "tools/commands/SamplerFlags.h"

#include "marimba/Chat.h"
#include "marimba/OutputPath.h"
#include <algorithm>

using namespace marimba;
using namespace marimba::commands;
using rt::text::fixed;

namespace {
struct Options {
  Command command{.name = "chat",
                  .description = "Holds a conversation with a model"};
  TextOption system{command, "system", "The system message", "text"};
  TextOption templateName{command, "template",
                          "Name of the chat template, if the model has several "
                          "(default: 'default')",
                          "name"};
  TextOption think{command, "think",
                   "Whether the model thinks before it answers, where its chat "
                   "template can say so",
                   "on|off"};
  Flag hideThoughts{command, "hide-thoughts",
                    "Shows answers without what stands between <think> and "
                    "</think>"};
  TextOption tools{command, "tools",
                   "What the model may call: a list of functions as JSON, for "
                   "its chat template",
                   "file"};
  TextOption templateValues{command, "template-values",
                            "Other values for the chat template: an object of "
                            "JSON, such as '{\"reasoning_effort\": \"low\"}'",
                            "json"};
  TextOption loadState{command, "load-state",
                       "Goes on from the session that this file holds", "file"};
  NumberOption<int64_t> maxTokens{
      command,
      "max-tokens",
      "Ends an answer after this many tokens (default: 1024)",
      "n",
      {1, kMostTokens},
      rt::ChatOptions().maxTokens};
  NumberOption<int64_t> checkpoint{
      command,
      "checkpoint",
      "Tokens between snapshots of the state (default: 512)",
      "n",
      {1, kMostTokens},
      rt::PrefixCache::Options().every};
  SamplerFlags sampling{command};
  Flag quiet{command, "quiet", "No progress, no timing"};
  Flag json{command, "json", "Answers in JSON, one object per line"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

static constexpr std::string_view kHelp =
    "  /save FILE    saves the conversation and the state of the model\n"
    "  /load FILE    continues a saved conversation, or a session of run\n"
    "  /undo         removes the last question and its answer\n"
    "  /edit TEXT    asks TEXT in place of the last question\n"
    "  /reset        begins anew\n"
    "  /help         shows this\n"
    "  /quit         ends; so does Ctrl-D\n"
    "A line that ends with \\ continues in the next; \"\"\" alone on a line "
    "begins "
    "and ends\na message of several lines; // begins a message with /. Ctrl-C "
    "ends an answer.\n";

/// Answers one question; false after an error, which is printed.
static bool ask(rt::Chat &chat, const std::string &question) {
  const Options &o = options();
  rt::ChatTurn turn;
  std::string error;
  clearInterrupt();
  bool done = chat.ask(
      question,
      [&](std::string_view piece) {
        if (o.json)
          return;
        print(piece);
        flush();
      },
      [] { return !interrupted() && !outputFailed(); }, turn, error);
  clearInterrupt();
  if (!o.json && (done || !turn.answer.empty()))
    print("\n");
  if (!done) {
    fail(error);
    return false;
  }
  if (o.json)
    print(Json::object({
                           {"answer", turn.answer},
                           {"thoughts", turn.thoughts},
                           {"end", rt::answerEndName(turn.end)},
                           {"reused_tokens", turn.reusedTokens},
                           {"read_tokens", turn.readTokens},
                           {"new_tokens", turn.newTokens},
                           {"read_seconds", turn.readSeconds},
                           {"answer_seconds", turn.answerSeconds},
                       })
              .text(/*indent=*/false, nullptr) +
          "\n");
  flush();
  if (!o.quiet)
    printError("[read " + std::to_string(turn.readTokens) + " tokens in " +
               fixed(turn.readSeconds, 2) + " s, " +
               std::to_string(turn.reusedTokens) + " were there; answered " +
               std::to_string(turn.newTokens) + " in " +
               fixed(turn.answerSeconds, 2) +
               " s, end: " + rt::answerEndName(turn.end) + "]\n");
  return true;
}

namespace {
enum class Next { GoOn, Failed, Quit };
} // namespace

static Next report(bool done, const std::string &error,
                   const std::string &good) {
  if (!done) {
    fail(error);
    return Next::Failed;
  }
  if (!options().quiet)
    printError("[" + good + "]\n");
  return Next::GoOn;
}

static Next runCommand(rt::Chat &chat, std::string_view rest) {
  std::string command(rt::text::takeUntil(rest, ' '));
  std::string argument(rt::text::trim(rest)), error;
  auto isOneOf = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, command) != names.end();
  };
  bool takesText = isOneOf({"save", "load", "edit"});
  if (takesText == argument.empty()) {
    std::string expected = !takesText          ? "nothing behind it"
                           : command == "edit" ? "a text"
                                               : "the name of a file";
    // An unknown command is named as such below.
    if (takesText || isOneOf({"undo", "reset", "help", "quit"}))
      return report(false, "/" + command + ": expected " + expected, "");
  }
  if (command == "quit")
    return Next::Quit;
  if (command == "help") {
    printError(kHelp);
    return Next::GoOn;
  }
  if (command == "reset") {
    chat.reset();
    return report(true, "", "the conversation begins anew");
  }
  if (command == "undo")
    return report(chat.undo(), "/undo: there is no question to take back",
                  std::to_string(chat.messages().size()) +
                      " messages are left");
  if (command == "edit") {
    if (!checkText("/edit", argument))
      return Next::Failed;
    if (!chat.undo())
      return report(false, "/edit: there is no question to change", "");
    return ask(chat, argument) ? Next::GoOn : Next::Failed;
  }
  if (command == "save")
    return report(
        rt::checkOutput(argument, {}, options().command.model, error) &&
            chat.save(argument, error),
        error,
        "saved " + std::to_string(chat.tokens()) + " tokens to " + argument);
  if (command == "load")
    return report(chat.load(argument, printNote, error), error,
                  std::to_string(chat.messages().size()) + " messages, " +
                      std::to_string(chat.tokens()) + " tokens");
  return report(false, "/" + command + ": expected a command that /help lists",
                "");
}

/// Until the end of input or /quit. Errors do not end a conversation that a
/// person leads; a script must not go on after one.
static int converse(rt::Chat &chat) {
  ChatInput input;
  if (input.isInteractive() && !options().quiet)
    printError("/help lists the commands\n");
  for (;;) {
    ChatInput::Entry entry = input.next();
    Next next = Next::GoOn;
    switch (entry.kind) {
    case ChatInput::Kind::End:
      if (input.isInteractive())
        printError("\n");
      return 0;
    case ChatInput::Kind::Interrupted:
      clearInterrupt();
      if (!input.isInteractive())
        return kInterruptedExitCode;
      printError("\n[/quit or Ctrl-D ends]\n");
      break;
    case ChatInput::Kind::Command:
      next = runCommand(chat, entry.text);
      break;
    case ChatInput::Kind::Message:
      next = checkText("the message", entry.text) && ask(chat, entry.text)
                 ? Next::GoOn
                 : Next::Failed;
      break;
    }
    if (next == Next::Quit)
      return 0;
    if (outputFailed())
      return 1;
    if (next == Next::Failed && !input.isInteractive())
      return 1;
  }
}

/// What the options say to the template; nothing after an error, which is
/// printed.
static std::optional<rt::TemplateValues> readTemplateValues() {
  const Options &o = options();
  rt::TemplateValues values;
  if (o.think.given()) {
    if (o.think.value != "on" && o.think.value != "off") {
      fail("--think: expected on or off, found " + o.think.value);
      return std::nullopt;
    }
    values.thinks = o.think.value == "on";
  }
  if (o.tools.given()) {
    std::optional<std::string> text = readFile(o.tools);
    if (!text)
      return std::nullopt;
    values.tools = *text;
    if (std::string problem = values.problem(); !problem.empty()) {
      // The file's name in place of the field's.
      fail(o.tools.value + problem.substr(problem.find(':')));
      return std::nullopt;
    }
  }
  if (!checkText("--template-values", o.templateValues.value))
    return std::nullopt;
  values.others = o.templateValues.value;
  if (std::string problem = values.problem(); !problem.empty()) {
    fail("--template-values" + problem.substr(problem.find(':')));
    return std::nullopt;
  }
  return values;
}

/// Whether there is a template for them; says which it does not use.
static bool checkTemplateValues(const std::string &model,
                                const rt::ChatTemplate *form) {
  const Options &o = options();
  const Option *given[] = {&o.think, &o.tools, &o.templateValues};
  for (const Option *option : given)
    if (option->given() && !form) {
      fail("--" + option->name + ": " + model + " has no chat template");
      return false;
    }
  if (o.quiet || !form)
    return true;
  if (o.think.given() && !form->mentions("enable_thinking") &&
      !form->mentions("thinking"))
    printNote(model + ": --think has no effect: the chat template has neither "
                      "enable_thinking nor thinking");
  if (o.tools.given() && !form->mentions("tools"))
    printNote(model + ": --tools has no effect: the chat template has no "
                      "tools");
  return true;
}

static int run(Models &models) {
  const Options &o = options();
  const std::string &model = o.command.model;
  if (o.command.lacksModel())
    return 1;
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(models.directory(model), o.quiet);
  if (!sampler || !models.checkOptions(model) ||
      !checkText("--system", o.system.value))
    return 1;
  std::optional<rt::TemplateValues> values = readTemplateValues();
  if (!values)
    return 1;

  // Compiling takes seconds: what is sure to fail afterwards fails here.
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer = models.loadTokenizer(model, error);
  if (!tokenizer)
    return fail(error);
  std::unique_ptr<rt::ChatTemplate> form =
      models.loadChatTemplate(model, o.templateName, error);
  if (!error.empty())
    return fail(error);
  if (!checkTemplateValues(model, form.get()))
    return 1;
  catchInterrupt();
  std::shared_ptr<Loaded> loaded =
      models.load(model, tokenizer.get(), !o.quiet, error);
  if (interrupted())
    return kInterruptedExitCode;
  if (!loaded)
    return fail(error);

  rt::ChatOptions chat;
  chat.sampler = *sampler;
  chat.maxTokens = o.maxTokens;
  chat.stops = o.sampling.stops();
  chat.system = o.system.value;
  chat.values = std::move(*values);
  chat.hidesThoughts = o.hideThoughts;
  chat.cache.every = o.checkpoint;
  std::unique_ptr<rt::Chat> conversation =
      rt::Chat::create(*loaded->model, *tokenizer, form.get(), chat, error);
  if (!conversation)
    return fail(error);
  if (!form && !o.quiet)
    printNote(model + ": has no chat template; messages are written "
                      "as 'User: ...' and 'Assistant: ...'");
  if (o.loadState.given() && !conversation->load(o.loadState, printNote, error))
    return fail(error);
  catchEveryInterrupt();
  return converse(*conversation);
}

Command &commands::chatCommand() {
  options().command.run = run;
  return options().command;
}
