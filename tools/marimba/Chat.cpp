//===- Chat.cpp - marimba chat --------------------------------------------===//
//
// Part of Marimba. A conversation on the terminal, or piped.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Chat.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/OutputPath.h"
#include "tools/marimba/ChatInput.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/Interrupt.h"
#include "tools/marimba/Progress.h"
#include "tools/marimba/SamplerFlags.h"

#include "marimba/Tokenizer.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"chat", "Talks with a model"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> system{
      sub, "system", "What the model is told before the conversation", "text"};
  driver::Value<std::string> templateName{
      sub, "template",
      "The chat template of this name, where the model has several (default: "
      "'default')",
      "name"};
  driver::Value<std::string> loadState{
      sub, "load-state", "Goes on from the session that this file holds",
      "file"};
  driver::Number<int64_t> maxTokens{
      sub,
      "max-tokens",
      "Ends an answer after this many tokens (default: 1024)",
      "n",
      {1, driver::kMostTokens},
      ChatOptions().maxTokens};
  driver::Number<int64_t> checkpoint{
      sub,
      "checkpoint",
      "Tokens between the places to which the state can go back (default: 512)",
      "n",
      {1, driver::kMostTokens},
      rt::PrefixCache::Options().every};
  driver::SamplerFlags sampling{sub};
  driver::Flag quiet{sub, "quiet", "No progress, no timing"};
  driver::Flag json{sub, "json", "Answers in JSON, one object a line"};
  driver::SessionFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

static constexpr StringRef kHelp =
    "  /save FILE    saves the conversation and what the model remembers\n"
    "  /load FILE    goes on from a saved one, or from a session of run\n"
    "  /undo         takes the last question and its answer back\n"
    "  /edit TEXT    asks TEXT in place of the last question\n"
    "  /reset        begins anew\n"
    "  /help         shows this\n"
    "  /quit         ends; so does Ctrl-D\n"
    "A line that ends with \\ goes on in the next; \"\"\" alone on a line "
    "begins "
    "and ends\na message of several lines; // begins a message with /. Ctrl-C "
    "ends an answer.\n";

static StringRef name(ChatTurn::End end) {
  switch (end) {
  case ChatTurn::End::Model:
    return "model";
  case ChatTurn::End::Stop:
    return "stop";
  case ChatTurn::End::Length:
    return "length";
  case ChatTurn::End::Interrupted:
    return "interrupted";
  }
  return "";
}

/// Answers one question; false after an error, which is printed.
static bool ask(Chat &chat, StringRef question) {
  const Options &o = options();
  ChatTurn turn;
  std::string error;
  driver::clearInterrupt();
  bool done = chat.ask(
      question,
      [&](StringRef piece) {
        if (o.json)
          return;
        outs() << piece;
        outs().flush();
      },
      [] { return !driver::interrupted() && !driver::outputFailed(); }, turn,
      error);
  driver::clearInterrupt();
  if (!o.json && (done || !turn.answer.empty()))
    outs() << '\n';
  if (!done) {
    driver::fail(error);
    return false;
  }
  if (o.json)
    outs() << json::Value(json::Object{
                  {"answer", turn.answer},
                  {"end", name(turn.end)},
                  {"reused_tokens", static_cast<int64_t>(turn.reusedTokens)},
                  {"read_tokens", static_cast<int64_t>(turn.readTokens)},
                  {"new_tokens", static_cast<int64_t>(turn.newTokens)},
                  {"read_seconds", turn.readSeconds},
                  {"answer_seconds", turn.answerSeconds},
              })
           << '\n';
  outs().flush();
  if (!o.quiet)
    errs() << formatv("[read {0} tokens in {1:f2} s, {2} were there; answered "
                      "{3} in {4:f2} s, end: {5}]\n",
                      turn.readTokens, turn.readSeconds, turn.reusedTokens,
                      turn.newTokens, turn.answerSeconds, name(turn.end));
  return true;
}

namespace {
enum class Next { GoOn, Failed, Quit };
} // namespace

static Next report(bool done, const Twine &error, const Twine &good) {
  if (!done) {
    driver::fail(error);
    return Next::Failed;
  }
  if (!options().quiet)
    errs() << '[' << good << "]\n";
  return Next::GoOn;
}

static Next runCommand(Chat &chat, StringRef line) {
  auto [command, rest] = line.split(' ');
  StringRef argument = rest.trim();
  std::string error;
  bool takesText = StringSwitch<bool>(command)
                       .Cases({"save", "load", "edit"}, true)
                       .Default(false);
  if (takesText == argument.empty()) {
    StringRef expected = !takesText          ? "nothing behind it"
                         : command == "edit" ? "a text"
                                             : "the name of a file";
    // An unknown command is named as such below.
    if (takesText || StringSwitch<bool>(command)
                         .Cases({"undo", "reset", "help", "quit"}, true)
                         .Default(false))
      return report(false, "/" + command + ": expected " + expected, "");
  }
  if (command == "quit")
    return Next::Quit;
  if (command == "help") {
    errs() << kHelp;
    return Next::GoOn;
  }
  if (command == "reset") {
    chat.reset();
    return report(true, "", "the conversation begins anew");
  }
  if (command == "undo")
    return report(chat.undo(), "/undo: there is no question to take back",
                  formatv("{0} messages are left", chat.messages().size()));
  if (command == "edit") {
    if (!driver::checkText("/edit", argument))
      return Next::Failed;
    if (!chat.undo())
      return report(false, "/edit: there is no question to change", "");
    return ask(chat, argument) ? Next::GoOn : Next::Failed;
  }
  if (command == "save")
    return report(checkOutput(argument, {}, options().model, error) &&
                      chat.save(argument, error),
                  error,
                  formatv("saved {0} tokens to {1}", chat.tokens(), argument));
  if (command == "load")
    return report(chat.load(argument, driver::printNote, error), error,
                  formatv("{0} messages, {1} tokens", chat.messages().size(),
                          chat.tokens()));
  return report(false, "/" + command + ": expected a command that /help lists",
                "");
}

/// Until the end of input or /quit. Errors do not end a conversation that a
/// person leads; a script must not go on after one.
static int converse(Chat &chat) {
  driver::ChatInput input;
  if (input.isInteractive() && !options().quiet)
    errs() << "/help lists the commands\n";
  for (;;) {
    driver::ChatInput::Entry entry = input.next();
    Next next = Next::GoOn;
    switch (entry.kind) {
    case driver::ChatInput::Kind::End:
      if (input.isInteractive())
        errs() << '\n';
      return 0;
    case driver::ChatInput::Kind::Interrupted:
      driver::clearInterrupt();
      if (!input.isInteractive())
        return driver::kInterruptedExitCode;
      errs() << "\n[/quit or Ctrl-D ends]\n";
      break;
    case driver::ChatInput::Kind::Command:
      next = runCommand(chat, entry.text);
      break;
    case driver::ChatInput::Kind::Message:
      next =
          driver::checkText("the message", entry.text) && ask(chat, entry.text)
              ? Next::GoOn
              : Next::Failed;
      break;
    }
    if (next == Next::Quit)
      return 0;
    if (driver::outputFailed())
      return 1;
    if (next == Next::Failed && !input.isInteractive())
      return 1;
  }
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(o.model, o.quiet);
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!sampler || !load || !driver::checkText("--system", o.system))
    return 1;

  // Compiling takes seconds: what is sure to fail afterwards fails here.
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer =
      loadTokenizer(o.model, error, driver::printNote);
  if (!tokenizer)
    return driver::fail(error);
  std::unique_ptr<rt::ChatTemplate> form =
      loadChatTemplate(o.model, o.templateName, error);
  if (!error.empty())
    return driver::fail(error);
  load->tokenizer = tokenizer.get();
  driver::catchInterrupt();
  std::unique_ptr<LoadedModel> model =
      driver::loadModel(o.model, *load, error, !o.quiet);
  if (driver::interrupted())
    return driver::kInterruptedExitCode;
  if (!model)
    return driver::fail(error);

  ChatOptions chat;
  chat.sampler = *sampler;
  chat.maxTokens = o.maxTokens;
  chat.stops = o.sampling.stops();
  chat.system = o.system;
  chat.cache.every = o.checkpoint;
  std::unique_ptr<Chat> conversation =
      Chat::create(*model, *tokenizer, form.get(), chat, error);
  if (!conversation)
    return driver::fail(error);
  if (!form && !o.quiet)
    driver::printNote(o.model + ": has no chat template; messages are written "
                                "as 'User: ...' and 'Assistant: ...'");
  if (o.loadState.given() &&
      !conversation->load(o.loadState, driver::printNote, error))
    return driver::fail(error);
  driver::catchEveryInterrupt();
  return converse(*conversation);
}

driver::Command driver::makeChatCommand() { return {&options().sub, run}; }
