//===- Stages.h - The kinds of stages ---------------------------*- C++ -*-===//
//
// One function for each kind of stage that has its own source file, for the
// tables in Pipeline.cpp. All throw FieldError.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TEXT_STAGES_H
#define MARIMBA_RUNTIME_TEXT_STAGES_H

#include "Pipeline.h"

namespace marimba::rt::text {

// ByteLevel.cpp.
std::unique_ptr<PreTokenizer> createByteLevelPreTokenizer(const Field &field);
std::unique_ptr<PostProcessor> createByteLevelPostProcessor(const Field &field);
std::unique_ptr<Decoder> createByteLevelDecoder(const Field &field);

// BpeModel.cpp.
std::unique_ptr<Model> createBpeModel(const Field &field);

// TemplateProcessing.cpp.
std::unique_ptr<PostProcessor> createTemplateProcessing(const Field &field);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TEXT_STAGES_H
