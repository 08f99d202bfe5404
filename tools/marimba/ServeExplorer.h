//===- ServeExplorer.h - What the server says of a compiled model -*- C++
//-*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_SERVEEXPLORER_H
#define MARIMBA_TOOLS_MARIMBA_SERVEEXPLORER_H

#include "tools/libmarimba/LoadedModel.h"
#include "tools/measure/Limits.h"
#include "tools/server/ReadyExplorer.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace marimba::driver {

/// Adds to a ready model what only the compiler knows: kinds of layers, the IR
/// of each stage, which is made when it is first asked for, and how long each
/// op takes.
class ServeExplorer : public server::ReadyExplorer {
public:
  /// `model` was loaded from `modelDir` with `options`.
  ServeExplorer(std::string modelDir, const LoadOptions &options,
                std::shared_ptr<const LoadedModel> model);
  /// Ends a measurement.
  ~ServeExplorer() override;

  bool model(std::string &json, std::string &why) override;
  bool stages(std::string &json, std::string &why) override;
  bool stage(int64_t number, std::string &json, std::string &why) override;
  bool roofline(std::string &json, std::string &why) override;
  bool measureRoofline(const server::RooflineRequest &request,
                       std::string &json, std::string &why) override;

private:
  struct Stage {
    std::string name, summary, text;
    int64_t lines = 0;
  };
  enum class State { None, Running, Done, Failed };

  /// With `stagesLock` held: compiles the model, once.
  bool makeStages(std::string &why);
  /// The body of `worker`.
  void measure(server::RooflineRequest request);
  std::string measured(const server::RooflineRequest &request,
                       std::string &error);
  std::string rooflineText() const; // with `lock` held

  std::string modelDir;
  LoadOptions options;
  std::shared_ptr<const LoadedModel> loaded;

  std::mutex stagesLock;
  std::vector<Stage> made;

  std::mutex lock; // of all below
  std::thread worker;
  std::atomic<bool> ended = false;
  State state = State::None;
  double fraction = 0;
  std::string what;   // that is measured now
  std::string result; // of the last measurement, or its error
  server::RooflineRequest asked;
  std::optional<Limits> limits; // of the machine, measured once
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_SERVEEXPLORER_H
