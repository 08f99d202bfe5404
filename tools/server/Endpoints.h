//===- Endpoints.h - What answers calls -------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_ENDPOINTS_H
#define MARIMBA_TOOLS_SERVER_ENDPOINTS_H

#include "tools/server/Http.h"
#include "tools/server/Service.h"

namespace marimba::server {

// Each is one file, or one of few in a file.
void chatCompletions(Service &service, const Call &call, Reply &reply);

void completions(Service &service, const Call &call, Reply &reply);
void responses(Service &service, const Call &call, Reply &reply);
void messages(Service &service, const Call &call, Reply &reply);
void countTokens(Service &service, const Call &call, Reply &reply);
void embeddings(Service &service, const Call &call, Reply &reply);

void listSessions(Service &service, const Call &call, Reply &reply);
void makeSession(Service &service, const Call &call, Reply &reply);
void showSession(Service &service, const Call &call, Reply &reply);
void deleteSession(Service &service, const Call &call, Reply &reply);

void models(Service &service, const Call &call, Reply &reply);
void tokenize(Service &service, const Call &call, Reply &reply);
void detokenize(Service &service, const Call &call, Reply &reply);

void health(Service &service, const Call &call, Reply &reply);
void metrics(Service &service, const Call &call, Reply &reply);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_ENDPOINTS_H
