#!/usr/bin/env python3
"""Holds marimba/__init__.pyi against the module: the same names and signatures; and all that is public has a docstring."""

import ast
import inspect
import os
import sys

import marimba

PUBLIC_SPECIAL = {"__init__", "__len__", "__next__", "__enter__", "__exit__"}


def public(name):
    return not name.startswith("_") or name in PUBLIC_SPECIAL


def stub_signature(function):
    """(name, kind, default) of each parameter, as source."""
    arguments = function.args
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    found = [(a.arg, "POSITIONAL_OR_KEYWORD", d and ast.unparse(d)) for a, d in zip(plain, defaults)]
    if arguments.vararg:
        found.append((arguments.vararg.arg, "VAR_POSITIONAL", None))
    found += [(a.arg, "KEYWORD_ONLY", d and ast.unparse(d)) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return found


def real_signature(function):
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind.name, None if p.default is p.empty else repr(p.default)) for p in parameters]


class Stubs:
    def __init__(self, tree):
        self.tree, self.problems = tree, []

    def expect(self, good, problem):
        if not good:
            self.problems.append(problem)

    def documented(self, name, thing):
        self.expect((getattr(thing, "__doc__", None) or "").strip(), f"{name}: has no docstring")

    def function(self, name, node, thing):
        self.expect(callable(thing), f"{name}: is no function")
        expected, found = stub_signature(node), real_signature(thing)
        self.expect(expected == found, f"{name}: the stub has {expected}, the module {found}")
        untyped = [a.arg for a in node.args.args + node.args.kwonlyargs if a.arg != "self" and not a.annotation]
        self.expect(not untyped and node.returns, f"{name}: {untyped or 'result'} without a type")

    def cls(self, name, node, thing):
        self.documented(name, thing)
        stubbed = {}
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                stubbed[item.name] = item
                real = inspect.getattr_static(thing, item.name, None)
                whole = f"{name}.{item.name}"
                if any(isinstance(d, ast.Name) and d.id == "property" for d in item.decorator_list):
                    self.expect(isinstance(real, property), f"{whole}: is no property")
                else:
                    self.function(whole, item, getattr(thing, item.name, None))
                if not item.name.startswith("_"):
                    self.documented(whole, real)
            elif isinstance(item, ast.AnnAssign):
                stubbed[item.target.id] = item
            elif isinstance(item, ast.Assign):
                target = item.targets[0].id
                stubbed[target] = item
                self.expect(getattr(thing, target, None) == ast.literal_eval(item.value), f"{name}.{target}: is another value")
        for member in vars(thing):
            inherited = issubclass(thing, (tuple, int)) and member.startswith("_")
            self.expect(not public(member) or member in stubbed or inherited, f"{name}.{member}: not in the stub")

    def check(self):
        names = set()
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
                self.cls(node.name, node, getattr(marimba, node.name))
            elif isinstance(node, ast.FunctionDef):
                names.add(node.name)
                self.function(node.name, node, getattr(marimba, node.name))
                self.documented(node.name, getattr(marimba, node.name))
            elif isinstance(node, ast.AnnAssign):
                names.add(node.target.id)
                kind = {"str": str, "bool": bool}[node.annotation.id]
                self.expect(isinstance(getattr(marimba, node.target.id), kind), f"{node.target.id}: is no {kind}")
            elif isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                self.expect(ast.literal_eval(node.value) == marimba.__all__, "__all__: differs")
        self.documented("marimba", marimba)
        self.expect(set(marimba.__all__) <= names, f"not in the stub: {set(marimba.__all__) - names}")
        return self.problems


if __name__ == "__main__":
    folder = os.path.dirname(marimba.__file__)
    assert os.path.exists(os.path.join(folder, "py.typed"))
    with open(os.path.join(folder, "__init__.pyi"), encoding="utf-8") as file:
        problems = Stubs(ast.parse(file.read())).check()
    for problem in problems:
        print("FAIL", problem)
    print(f"{len(problems)} failures")
    sys.exit(1 if problems else 0)
