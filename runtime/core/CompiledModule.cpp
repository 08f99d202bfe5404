//===- CompiledModule.cpp - Finding a module's symbols --------------------===//

#include "marimba/Model.h"
#include "marimba/Tiles.h"

namespace marimba::rt {

std::shared_ptr<const CompiledModule>
CompiledModule::bind(const Lookup &lookup, std::string &error,
                     std::shared_ptr<void> owner) {
  auto find = [&](const char *symbol) -> void * {
    void *address = lookup(symbol);
    if (!address)
      error = std::string("compiled module: the symbol '") + symbol +
              "' is missing";
    return address;
  };
  const void *text = find(MARIMBA_SYMBOL_DESCRIPTION);
  if (!text)
    return nullptr;
  std::optional<Description> description =
      Description::parse(static_cast<const char *>(text), error);
  if (!description)
    return nullptr;
  if (lookup(MARIMBA_SYMBOL_TILES) && !mayUseTiles(error)) {
    error = "compiled module: " + error + "; compile with --isa=avx512-bf16";
    return nullptr;
  }
  auto entry = [&](const char *symbol) {
    return reinterpret_cast<MarimbaEntry>(find(symbol));
  };
  auto module = std::make_shared<CompiledModule>();
  module->description = std::move(*description);
  module->owner = std::move(owner);
  module->prefill = entry(MARIMBA_ENTRY_PREFILL);
  module->decode = module->prefill ? entry(MARIMBA_ENTRY_DECODE) : nullptr;
  if (!module->prefill || !module->decode)
    return nullptr;
  if (module->description.prepare) {
    module->prepare = entry(MARIMBA_ENTRY_PREPARE);
    if (!module->prepare)
      return nullptr;
  }
  module->profileDescription =
      static_cast<const char *>(lookup(MARIMBA_SYMBOL_PROFILE_DESCRIPTION));
  if (module->profileDescription)
    module->profileRegions = static_cast<MarimbaProfileRegion *>(
        find(MARIMBA_SYMBOL_PROFILE_REGIONS));
  if (module->profileDescription && !module->profileRegions)
    return nullptr;
  return module;
}

} // namespace marimba::rt
