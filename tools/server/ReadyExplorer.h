//===- ReadyExplorer.h - What a loaded model says of itself -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_READYEXPLORER_H
#define MARIMBA_TOOLS_SERVER_READYEXPLORER_H

#include "tools/server/Explorer.h"

#include "marimba/ReadyModel.h"
#include <memory>

namespace marimba::server {

/// Knows what needs no compiler: weights, states and memory. All that a package
/// has.
class ReadyExplorer : public Explorer {
public:
  explicit ReadyExplorer(std::shared_ptr<const rt::ReadyModel> model);

  bool model(std::string &json, std::string &why) override;
  bool stages(std::string &json, std::string &why) override;
  bool stage(int64_t number, std::string &json, std::string &why) override;
  bool roofline(std::string &json, std::string &why) override;
  bool measureRoofline(const RooflineRequest &request, std::string &json,
                       std::string &why) override;
  bool memory(std::string &json, std::string &why) override;

protected:
  const rt::ReadyModel &ready() const { return *loaded; }

private:
  std::shared_ptr<const rt::ReadyModel> loaded;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_READYEXPLORER_H
