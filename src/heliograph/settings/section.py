"""What every section of the settings shares: frozen, closed to unknown names, strict about types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_boolean(value: object) -> object:
    # Python's bool is an int; `port: true` would otherwise mean port 1.
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


class Section(BaseModel):
    """A frozen group of settings. Unknown names are faults; change a value with ``model_copy(update=...)``."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


Bound = Annotated[float, BeforeValidator(_no_boolean), Field(allow_inf_nan=False)]
Ratio = Annotated[float, BeforeValidator(_no_boolean), Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_no_boolean), Field(ge=1)]
Port = Annotated[int, BeforeValidator(_no_boolean), Field(ge=0, le=65535)]
Text = Annotated[str, Field(min_length=1)]
