//===- Model.cpp - Loading: derived and packed weights --------------------===//

#include "marimba/Model.h"

#include "Packing.h"
#include "marimba/Context.h"
#include "marimba/ThreadTeam.h"

namespace marimba::rt {

std::shared_ptr<Model>
Model::create(std::shared_ptr<const CompiledModule> module,
              std::unique_ptr<Weights> weights, int threads, std::string &error,
              const PackOptions &pack) {
  if (weights->table().size() != module->description.weights.size()) {
    error = "the weight table has " + std::to_string(weights->table().size()) +
            " tensors, module '" + module->description.name + "' has " +
            std::to_string(module->description.weights.size());
    return nullptr;
  }
  std::shared_ptr<Model> model(new Model);
  try {
    model->dnnl = std::make_shared<PrimitiveCache>();
  } catch (const std::exception &exception) {
    error = std::string("oneDNN cannot start: ") + exception.what();
    return nullptr;
  }
  if (module->prepare) {
    std::unique_ptr<Context> context =
        Context::create(threads, model->dnnl, error);
    if (!context)
      return nullptr;
    std::vector<MarimbaTensor> args;
    for (const ArgSpec &arg : module->description.prepare->args)
      args.push_back(weights->table()[static_cast<size_t>(
          module->description.weightIndex(arg.name))]);
    MarimbaCall call = {};
    call.weights = weights->table().data();
    call.weightCount = static_cast<int32_t>(weights->table().size());
    call.args = args.data();
    call.argCount = static_cast<int32_t>(args.size());
    int32_t status = MARIMBA_OK;
    onTeam(threads, [&] { status = context->run(module->prepare, call); });
    if (status != MARIMBA_OK || !context->ok()) {
      error = "module '" + module->description.name +
              "': preparing the weights failed: " + context->message();
      return nullptr;
    }
  }
  if (!canStartTeam(threads, error))
    return nullptr;
  bool packed = false;
  onTeam(threads, [&] {
    packed = packWeights(module->description, *weights, model->dnnl->impl(),
                         threads, pack, model->packed, error);
  });
  if (!packed)
    return nullptr;
  // Some of it may be from before, and some from after.
  if (!weights->checkUnchanged(error))
    return nullptr;
  // The header, what was derived from, and neighbours of both.
  weights->releaseFiles();
  model->compiled = std::move(module);
  model->weightTable = std::move(weights);
  return model;
}

} // namespace marimba::rt
