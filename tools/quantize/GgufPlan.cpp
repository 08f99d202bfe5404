//===- GgufPlan.cpp - The tensors of a GGUF file --------------------------===//
//
// Part of Marimba. The format: importer/gguf/GgufReader.cpp.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufPlan.h"

#include "tools/quantize/GgufBlocks.h"

#include "marimba/formats/Format.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <tuple>

using namespace marimba;
using namespace llvm;
using mlir::marimba::appendGguf;
using mlir::marimba::appendGgufString;

static constexpr uint64_t kAlignment = 32;
static constexpr uint32_t kVersion = 3;

uint64_t marimba::ggufRowBytes(StringRef type, int64_t inputs) {
  const formats::Format *format = formats::findFormat(type);
  return format && inputs % format->elements == 0 ? format->bytesOf(inputs) : 0;
}

uint64_t GgufPlanTensor::bytes() const {
  return rows * ggufRowBytes(type, inputs);
}

int64_t marimba::ggufLayer(StringRef name) {
  int64_t layer = -1;
  if (name.consume_front("blk.") && !name.consumeInteger(10, layer))
    return layer;
  return -1;
}

void marimba::sortTensors(std::vector<GgufPlanTensor> &tensors) {
  sort(tensors, [](const GgufPlanTensor &a, const GgufPlanTensor &b) {
    int64_t layerOfA = ggufLayer(a.name), layerOfB = ggufLayer(b.name);
    return std::tie(layerOfA, a.name) < std::tie(layerOfB, b.name);
  });
}

GgufLayout GgufLayout::of(const GgufPlan &plan, bool asF32) {
  GgufLayout layout;
  std::string &header = layout.header;
  header = "GGUF";
  appendGguf(header, kVersion);
  appendGguf(header, uint64_t(plan.tensors.size()));
  appendGguf(header, uint64_t(plan.metadata.size()));
  plan.metadata.append(header);
  uint64_t offset = 0;
  for (const GgufPlanTensor &tensor : plan.tensors) {
    appendGgufString(header, tensor.name);
    appendGguf(header, uint32_t(tensor.shape.size()));
    for (int64_t size : reverse(tensor.shape))
      appendGguf(header, uint64_t(size));
    StringRef type = asF32 ? StringRef("F32") : StringRef(tensor.type);
    appendGguf(header, *mlir::marimba::ggufTensorType(type));
    appendGguf(header, offset);
    layout.offsets.push_back(offset);
    uint64_t bytes = asF32 ? tensor.elements() * sizeof(float) : tensor.bytes();
    offset = alignTo(offset + bytes, kAlignment);
  }
  header.resize(alignTo(header.size(), kAlignment));
  for (uint64_t &each : layout.offsets)
    each += header.size();
  layout.fileBytes = header.size() + offset;
  return layout;
}
