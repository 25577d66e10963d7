"""Tables with their columns, keys and indexes: from the models, and from docs/columns.toml what a column means."""

import tomllib
from collections.abc import Iterator
from inspect import cleandoc

from django.apps import apps
from django.db import models
from django.db.models import Field, Model, Q

from tests.documents.markdown import PACKAGES, read, table

TYPES = {
    "BooleanField": "boolean",
    "CharField": "text",
    "DateField": "day",
    "DateTimeField": "moment",
    "FloatField": "float",
    "IntegerField": "integer",
    "JSONField": "JSON",
    "PositiveBigIntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "TextField": "text",
    "URLField": "text",
}


def our_models() -> list[type[Model]]:
    """Of the packages and of the applications inside them."""
    ours = [config for config in apps.get_app_configs() if config.name.partition(".")[0] in PACKAGES]
    return [model for config in ours for model in config.get_models()]


def docstring(model: type[Model]) -> str:
    """Django writes the list of the fields where a model has no docstring of its own."""
    text = cleandoc(model.__doc__ or "")
    return "" if text.startswith(f"{model.__name__}(") else text


def columns(model: type[Model]) -> list[Field]:
    """Every column but the number `id`."""
    return [field for field in model._meta.local_fields if field.name != "id"]


def linked(model: type[Model]) -> str:
    """A link to the table's part of the page; a table of Django or of a package has none."""
    name = model.__name__
    return f"[{name}](#{name.lower()})" if model.__module__.partition(".")[0] in PACKAGES else name


def type_of(field: Field) -> str:
    if isinstance(field, models.ForeignKey):
        said = field.deconstruct()[3]
        deleted = said["on_delete"].__name__.lower().replace("_", " ")
        checked = "" if said.get("db_constraint", True) else ", not checked"
        return f"{linked(field.related_model)}, {deleted}{checked}"
    if isinstance(field, models.DecimalField):
        return f"decimal({field.max_digits}, {field.decimal_places})"
    kind = field.get_internal_type()
    return TYPES.get(kind, kind) + (f"({field.max_length})" if field.max_length else "")


def meanings() -> dict[str, str]:
    """`Model.field`, or `field` alone where it means the same in every table; from docs/columns.toml."""
    found: dict[str, dict[str, str]] = tomllib.loads(read("docs/columns.toml"))
    common = found.pop("common")
    return common | {f"{model}.{name}": text for model, fields in found.items() for name, text in fields.items()}


def meaning_of(field: Field, known: dict[str, str]) -> str:
    text = known.get(f"{field.model.__name__}.{field.name}") or known.get(field.name, "")
    choices = ", ".join(f"`{value}`" for value, _ in field.choices or () if value != "")
    stored = f"column `{field.column}`" if field.db_column else ""
    return "; ".join(part for part in (text, choices, stored) if part)


def condition_of(condition: Q | None) -> str:
    if condition is None:
        return ""
    parts = [
        f"{part[0]} is {'null' if part[1] is None else part[1]}"
        for part in condition.children
        if isinstance(part, tuple)
    ]
    return " where " + " and ".join(parts)


def keys(model: type[Model]) -> Iterator[str]:
    """Constraints and indexes, one a line."""
    for field in columns(model):
        if field.primary_key:
            yield f"- primary key: {field.name}"
        elif field.unique:
            yield f"- unique: {field.name}"
        elif field.db_index:  # type: ignore[attr-defined]
            yield f"- index: {field.name}"
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            fields = ", ".join(constraint.fields)
            yield f"- unique `{constraint.name}`: {fields}{condition_of(constraint.condition)}"
        else:
            yield f"- check `{constraint.name}`"
    for index in model._meta.indexes:
        yield f"- index `{index.name}`: {', '.join(index.fields)}{condition_of(index.condition)}"


def described(model: type[Model], known: dict[str, str]) -> str:
    head = f"### {model.__name__}\n\n{docstring(model)}\n"
    if model._meta.proxy:
        return head + f"\nA proxy of {linked(model._meta.concrete_model or model)}: the same table, some of its rows.\n"
    rows = [
        [f"`{field.name}`", type_of(field), "yes" if field.null else "", meaning_of(field, known)]
        for field in columns(model)
    ]
    head += f"\nTable `{model._meta.db_table}`.\n\n{table(['column', 'type', 'null', 'meaning'], *rows)}"
    listed = "".join(f"{key}\n" for key in keys(model))
    return f"{head}\n{listed}" if listed else head


def data_model() -> str:
    known = meanings()
    return "\n".join(described(model, known) for model in our_models())


def tables() -> str:
    rows = [[linked(model), model._meta.app_label, docstring(model).partition("\n")[0]] for model in our_models()]
    return table(["table", "package", "one row is"], *rows)
