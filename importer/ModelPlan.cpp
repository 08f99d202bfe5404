//===- ModelPlan.cpp - What a family tells the module builder ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/ModelPlan.h"

namespace mlir::marimba {

void LayerPlan::add(StringRef name, Weight weight) {
  std::shared_ptr<const Weight> order = weight.order;
  weights.push_back({name.str(), std::move(weight)});
  if (!order)
    return;
  auto *same = llvm::find_if(weights, [&](const LayerWeight &other) {
    return other.weight.symbol == order->symbol;
  });
  std::string orderName =
      same == weights.end() ? (name + ".order").str() : same->name;
  if (same == weights.end())
    weights.push_back({orderName, *order});
  orders.emplace_back(name.str(), orderName);
}

void takeTensor(LayerPlan &layer, WeightTable &weights, StringRef module,
                StringRef name, ArrayRef<Dim> shape, StringRef suffix,
                StringRef alias) {
  takeTensorAs(layer, weights, module, name, name, shape, suffix, alias);
}

void takeTensorAs(LayerPlan &layer, WeightTable &weights, StringRef module,
                  StringRef name, StringRef disk, ArrayRef<Dim> shape,
                  StringRef suffix, StringRef alias) {
  StringRef kept = suffix == ".weight" ? "" : suffix;
  std::vector<std::string> names;
  names.push_back((layer.location + "." + module + disk + suffix).str());
  if (!alias.empty())
    names.push_back((layer.location + "." + alias + suffix).str());
  std::string symbol = (layer.prefix + "." + module + name + kept).str();
  layer.add((name + kept).str(),
            weights.getMatrix(symbol, names, shape, /*hint=*/"",
                              /*mayPermute=*/true));
}

} // namespace mlir::marimba
