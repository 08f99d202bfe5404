//===- PageEndpoints.h - The page and its explorer --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_PAGEENDPOINTS_H
#define MARIMBA_TOOLS_SERVER_PAGEENDPOINTS_H

#include "tools/server/Http.h"
#include "tools/server/Service.h"

namespace marimba::server {

/// A file of the page.
void page(Service &service, const Call &call, Reply &reply);
/// What its explorer asks for.
void exploreModel(Service &service, const Call &call, Reply &reply);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_PAGEENDPOINTS_H
