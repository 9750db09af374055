"""Where pydantic meets the vocabulary: a field that holds a named Keras thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from dl.vocabulary.check import check_object
from dl.vocabulary.spec import Kind, Spec

FINDINGS = "named_object"
"""The pydantic error type whose context holds the vocabulary's findings."""
KIND_KEY = "x-kind"
"""Stands in pydantic's JSON Schema where `dl.config.reference` refers to the vocabulary."""


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """Marks a field as a named thing of a kind: `Annotated[Spec, ObjectOf(Kind.LOSS)]`."""

    kind: Kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {KIND_KEY: self.kind.value}

    def _validate(self, value: object) -> Spec:
        if isinstance(value, Spec):
            return value
        spec, findings = check_object(self.kind, value)
        if spec is None or findings:
            raise PydanticCustomError(FINDINGS, "wrong object", {"findings": findings})
        return spec
