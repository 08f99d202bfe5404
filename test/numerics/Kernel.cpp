//===- Kernel.cpp - Generated code as a function of floats ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "test/numerics/Kernel.h"

#include "marimba/PrimitiveCache.h"
#include <algorithm>

using namespace marimba;
using namespace marimba::numerics;

std::unique_ptr<Code> Code::compile(const ModuleSpec &spec,
                                    llvm::StringRef name, std::string &error) {
  std::string text = spec.text;
  for (size_t at; (at = text.find("$D")) != std::string::npos;)
    text.replace(at, 2, std::to_string(kBlock));
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = mlir::marimba::preferredVectorBits({});
  std::unique_ptr<Code> result(new Code);
  result->module = &spec;
  result->code = compileText(text, name, pipeline, {}, error);
  if (result->code)
    result->function = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
        *result->code, MARIMBA_ENTRY_PREFILL, error);
  if (!result->function)
    return nullptr;
  return result;
}

bool Caller::addTensor(std::vector<MarimbaTensor> &list,
                       std::initializer_list<int64_t> shape, float **data) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  auto buffer =
      rt::AlignedBuffer::zeroed(count * static_cast<int64_t>(sizeof(float)));
  if (!buffer)
    return false;
  *data = reinterpret_cast<float *>(buffer->data());
  list.push_back(
      rt::makeTensor(*data, MARIMBA_F32, {shape.begin(), shape.size()}));
  buffers.push_back(std::move(*buffer));
  return true;
}

std::unique_ptr<Caller> Caller::create(const Code &code, std::string &error) {
  std::unique_ptr<Caller> caller(new Caller(code));
  caller->context =
      rt::Context::create(/*threads=*/1, std::make_shared<rt::PrimitiveCache>(),
                          error, rt::Context::kSmallestArenaBytes);
  if (!caller->context)
    return nullptr;
  error = "no memory for the tensors of one call";
  for (const Operand &operand : code.spec().operands) {
    float *data = nullptr;
    int64_t count = operand.rows * (operand.narrow ? 1 : kBlock);
    if (operand.narrow
            ? !caller->addTensor(caller->args, {1, 1, operand.rows}, &data)
            : !caller->addTensor(caller->args, {1, operand.rows, kBlock},
                                 &data))
      return nullptr;
    std::fill_n(data, count, operand.fill);
    if (operand.kind == Operand::Input)
      caller->in = data;
    if (operand.kind == Operand::Output) {
      caller->out = data;
      caller->outCount = count;
      caller->outFill = operand.fill;
    }
  }
  for (const Weight &rows : code.spec().weights) {
    float *data = nullptr;
    auto count = static_cast<int64_t>(rows.size());
    if (count == 1
            ? !caller->addTensor(caller->weights, {kBlock}, &data)
            : !caller->addTensor(caller->weights, {count, kBlock}, &data))
      return nullptr;
    for (float value : rows)
      data = std::fill_n(data, kBlock, value);
  }
  error.clear();
  caller->call = {caller->weights.data(), caller->args.data(),
                  static_cast<int32_t>(caller->weights.size()),
                  static_cast<int32_t>(caller->args.size())};
  return caller;
}

const float *Caller::run(std::string &error) {
  std::fill_n(out, outCount, outFill);
  context->clear();
  if (code.entry()(context->get(), &call) == MARIMBA_OK)
    return out;
  error = context->message();
  return nullptr;
}
