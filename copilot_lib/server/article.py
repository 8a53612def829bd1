"""The article's protocol: a document and a place in it, both whole, on every keystroke.

It knows that one route; it does not know how a completion is made.
"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, Strict

from copilot_lib.cursor import Cursor
from copilot_lib.server.adapters import Named, choice_of, options
from copilot_lib.server.waiting import complete_while_connected

router = APIRouter()
Text, Whole = Annotated[str, Strict()], Annotated[int, Strict()]


class Place(BaseModel):
    """A document and a cursor in it; line and column count from 0, columns in characters."""

    document: Text = Field(examples=["def greet(name):\n    "])
    line: Whole = Field(examples=[1])
    col: Whole = Field(examples=[4])
    adapter: Named = None


class Answer(BaseModel):
    completion: str


@router.post("/")
async def complete(place: Place, request: Request) -> Answer:
    """The text to insert at a place in a document."""
    cursor = Cursor.at(place.document, place.line, place.col)
    adapter = choice_of(request).named(place.adapter)
    completion = await complete_while_connected(request, cursor, **options(adapter))
    return Answer(completion=completion.text)
