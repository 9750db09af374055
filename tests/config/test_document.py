"""The strict reading of one file: values, marks, and the words of every refusal."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dl.config.builder import MOST_LEVELS
from dl.config.document import Document, read_document
from dl.config.nodes import find, place, plain
from dl.errors import ConfigError, error_text


def read(text: str | bytes) -> Document:
    """Reads a text as the file c.yaml."""
    return read_document(text.encode() if isinstance(text, str) else text, "c.yaml")


def read_or_refused(text: str | bytes) -> bool:
    """Tells whether a document gives plain values, or an error that names the file."""
    try:
        tree = plain(read(text).root)
    except ConfigError as error:
        return error_text(error).startswith("error: c.yaml")
    return is_plain(tree)


def is_plain(value: object) -> bool:
    """Tells whether a value is made of what JSON has."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | bool | int | float)


def refusal(text: str | bytes) -> str:
    """Returns the full error text of a document that must be refused."""
    try:
        document = read(text)
    except ConfigError as error:
        return error_text(error)
    assert document.problems, "the text was read without a problem"
    return error_text(ConfigError.of(document.problems))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-2.5e+3", -2500.0),
        (".inf", float("inf")),
        ("-.inf", float("-inf")),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("y", "y"),
        ("n", "n"),
        ("one", "one"),
        ("onset", "onset"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("1-2", "1-2"),
        ("12:3x", "12:3x"),
        ("'no'", "no"),
        ('"017"', "017"),
        ("'2024-01-31'", "2024-01-31"),
        ("'12:30'", "12:30"),
        ('"a\\tb"', "a\tb"),
        ("é 𝄞", "é 𝄞"),
    ],
)
def test_scalar_is_read_by_yaml_1_2(written: str, value: object) -> None:
    document = read(f"a: {written}" if written != "-" else "a: '-'")
    assert document.problems == ()
    got = plain(document.root)
    assert got == {"a": value}
    assert type(got["a"]) is type(value)


def test_nan_is_a_number_when_written_with_a_dot() -> None:
    got = plain(read("a: .nan").root)
    assert repr(got) == "{'a': nan}"


@pytest.mark.parametrize("word", ["no", "No", "NO", "yes", "Yes", "on", "ON", "off", "Off"])
def test_old_boolean_asks_what_is_meant(word: str) -> None:
    value = "true" if word.lower() in ("yes", "on") else "false"
    assert refusal(f"a: {word}") == (
        f"error: c.yaml:1:4: a: `{word}` is ambiguous: YAML 1.1 reads it as {value}, YAML 1.2 as "
        f"text\n    1 | a: {word}\n      |    {'^' * len(word)}\n"
        f'hint: write {value}, or "{word}" in quotes for the text'
    )


@pytest.mark.parametrize("word", ["12:30", "1:30:00", "190:20:30.15", "-1:30"])
def test_clock_time_asks_for_quotes(word: str) -> None:
    assert refusal(f"a: {word}") == (
        f"error: c.yaml:1:4: a: `{word}` is ambiguous: YAML 1.1 reads it as a number to the base "
        f"60\n    1 | a: {word}\n      |    {'^' * len(word)}\n"
        f'hint: put it in quotes: "{word}"'
    )


def test_leading_zero_asks_for_quotes() -> None:
    assert refusal("a:\n  - 017") == (
        "error: c.yaml:2:5: a.0: `017` is ambiguous: with a leading zero, YAML 1.1 reads an octal "
        "number\n    2 |   - 017\n      |     ^^^\n"
        'hint: write 17 for the number, or "017" in quotes for the text'
    )


@pytest.mark.parametrize("word", ["2024-01-31", "2024-1-3", "2024-01-31T12:00:00Z"])
def test_date_asks_for_quotes(word: str) -> None:
    assert refusal(f"a: {word}") == (
        f"error: c.yaml:1:4: a: `{word}` is ambiguous: YAML 1.1 reads it as a date\n"
        f"    1 | a: {word}\n      |    {'^' * len(word)}\n"
        f'hint: put it in quotes: "{word}"'
    )


@pytest.mark.parametrize("word", ["1_000", "0b101", "1_0.5"])
def test_grouped_digits_ask_for_another_spelling(word: str) -> None:
    assert refusal(f"a: {word}") == (
        f"error: c.yaml:1:4: a: `{word}` is ambiguous: YAML 1.1 reads it as a number, YAML 1.2 as "
        f"text\n    1 | a: {word}\n      |    {'^' * len(word)}\n"
        f'hint: write plain digits for a number, or "{word}" in quotes for the text'
    )


def test_very_large_integer_is_refused() -> None:
    assert refusal("a: " + "9" * 5000).splitlines()[0] == (
        f"error: c.yaml:1:4: a: `{'9' * 39}…` is too large for a whole number"
    )


def test_marks_span_what_is_written() -> None:
    root = read("a: 'é𝄞'\nb:\n  c: [1, {d: xyz}]\n").root
    mark = place(root, ("b", "c", 1, "d"))
    assert (mark.line, mark.column, mark.length, mark.text) == (3, 14, 3, "  c: [1, {d: xyz}]")
    mark = place(root, ("b", "c", 1, "d"), at_key=True)
    assert (mark.line, mark.column, mark.length) == (3, 11, 1)
    mark = place(root, ("b", "c"))
    assert (mark.line, mark.column, mark.length) == (3, 6, 13)
    assert place(root, ("a",)).length == 4


def test_mark_of_a_block_is_its_key() -> None:
    mark = place(read("a:\n  b:\n    - 1\n").root, ("a", "b"))
    assert (mark.line, mark.column, mark.length) == (2, 3, 1)


def test_mark_of_an_empty_value_is_its_key() -> None:
    mark = place(read("a:\nbcd:\n").root, ("bcd",))
    assert (mark.line, mark.column, mark.length) == (2, 1, 3)


def test_mark_of_something_missing_is_what_should_hold_it() -> None:
    assert place(read("a: {b: 1}").root, ("a", "c", "d")).column == 4


def test_byte_order_mark_and_crlf_are_fine() -> None:
    document = read(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    assert plain(document.root) == {"a": 1, "b": "x"}
    assert place(document.root, ("b",)).text == "b: x"


def test_duplicate_key_names_both_lines() -> None:
    assert refusal("t:\n  epochs: 1\n  batch: 2\n  'epochs': 3\n") == (
        "error: c.yaml:4:3: t.epochs is given twice, first on line 2\n"
        "    4 |   'epochs': 3\n      |   ^^^^^^^^\n"
        "hint: remove one of the two"
    )


def test_several_problems_come_at_once() -> None:
    text = refusal("a: no\nb: 1\nb: 2\nc: !!set {x}\n")
    assert [line for line in text.splitlines() if line.startswith("error")] == [
        "error: c.yaml:1:4: a: `no` is ambiguous: YAML 1.1 reads it as false, YAML 1.2 as text",
        "error: c.yaml:3:1: b is given twice, first on line 2",
        "error: c.yaml:4:4: c: the tag `!!set` is not allowed",
    ]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object:os.system x", "!!python/object:os.system"),
        ("a: !!python/name:os.system ''", "!!python/name:os.system"),
        ("a: !!set {x}", "!!set"),
        ("a: !!binary aGk=", "!!binary"),
        ("a: !!str 3", "!!str"),
        ("a: !foo [1]", "!foo"),
    ],
)
def test_tag_is_refused(text: str, tag: str) -> None:
    assert refusal(text).splitlines()[0] == (
        f"error: c.yaml:1:4: a: the tag `{tag}` is not allowed"
    )


def test_whole_number_as_key_is_its_digits() -> None:
    assert plain(read("{0: a, 10: b}").root) == {"0": "a", "10": "b"}


@pytest.mark.parametrize("key", ["null", "true", "1.5", "~"])
def test_key_that_is_no_text_asks_for_quotes(key: str) -> None:
    assert refusal(f"a: {{{key}: 1}}").splitlines() == [
        "error: c.yaml:1:5: a: a key must be text",
        f"    1 | a: {{{key}: 1}}",
        f"      |     {'^' * len(key)}",
        f'hint: put it in quotes: "{key}"',
    ]


def test_old_boolean_as_key_asks_what_is_meant() -> None:
    assert refusal("on: 1").splitlines()[0] == (
        "error: c.yaml:1:1: `on` is ambiguous: YAML 1.1 reads it as true, YAML 1.2 as text"
    )


@pytest.mark.parametrize("text", ["? [a]\n: b\n", "{[a]: b}", "? {a: 1}\n: b\n"])
def test_collection_as_key_is_refused(text: str) -> None:
    assert "a key must be text, not a list or mapping" in refusal(text)


def test_alias_is_expanded_with_its_own_mark() -> None:
    root = read("a: &x {u: 1}\nb: *x\n").root
    assert plain(root) == {"a": {"u": 1}, "b": {"u": 1}}
    assert place(root, ("b", "u")).line == 1


def test_merge_key_is_expanded_and_own_keys_win() -> None:
    root = read("a: &x {u: 1, v: 2}\nb: &y {v: 3, w: 4}\nc:\n  <<: [*x, *y]\n  u: 9\n").root
    assert plain(find(root, ("c",)) or root) == {"u": 9, "v": 2, "w": 4}
    assert place(root, ("c", "w")).line == 2


def test_merge_of_something_else_is_refused() -> None:
    assert refusal("a: &x 3\nb:\n  <<: *x\n") == (
        "error: c.yaml:3:3: `<<` merges mappings only\n    3 |   <<: *x\n      |   ^^\n"
        "hint: write `<<: *name`, where &name marks a mapping"
    )


def test_alias_inside_what_it_names_is_refused() -> None:
    assert refusal("a: &x [1, *x]").splitlines()[0] == (
        "error: c.yaml:1:11: the alias *x is inside what it names"
    )


def test_alias_without_anchor_is_refused() -> None:
    assert refusal("a: *x").splitlines()[0] == ("error: c.yaml:1:4: the alias *x has no anchor &x")


def test_alias_bomb_is_refused_before_it_is_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert "more than 100000 values" in refusal("\n".join(lines))


def test_chain_of_aliases_cannot_nest_deeper_than_allowed() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200)]
    assert f"more than {MOST_LEVELS} levels deep" in refusal("\n".join(lines))


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert f"more than {MOST_LEVELS} levels deep" in refusal("a:\n " + opening * 100_000)


def test_as_deep_as_allowed_is_fine() -> None:
    depth = MOST_LEVELS - 1
    assert read("a: " + "[" * depth + "]" * depth).problems == ()


def test_empty_document_is_refused() -> None:
    expected = (
        "error: c.yaml: the config is empty\n"
        "hint: start from an example: `dl init --example` lists them"
    )
    assert refusal("") == expected
    assert refusal("# only a comment\n") == expected


def test_list_document_is_refused() -> None:
    assert refusal("- a\n- b\n").splitlines()[-2:] == [
        "expected: a mapping",
        "hint: write sections such as `data:`, `model:` and `training:`",
    ]


def test_missing_space_after_colon_is_explained() -> None:
    assert refusal("name:x\nseed:3\n").splitlines()[-1] == (
        "hint: write a space after each colon: `key: value`"
    )


def test_table_in_the_place_of_a_config_leads_to_init() -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(b"sepal,petal\n1.5,2.5\n", "flowers.csv")
    (problem,) = caught.value.problems
    assert problem.hint == "a table is no config: dl init flowers.csv prints one for it"


def test_second_document_is_refused() -> None:
    assert refusal("a: 1\n---\nb: 2\n").splitlines()[0] == (
        "error: c.yaml:2:1: a second document starts here"
    )


def test_markers_around_one_document_are_fine() -> None:
    assert plain(read("---\na: 1\n...\n").root) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("a:\n\tb: 1", "error: c.yaml:2:1: a tab cannot indent a line", "hint: indent with spaces"),
        (
            "a: b: c",
            "error: c.yaml:1:5: a `:` is not allowed here",
            "hint: put text that contains `: ` in quotes, or check the indentation of this line",
        ),
        (
            "a: @x",
            "error: c.yaml:1:4: an unquoted value cannot start with `@`",
            "hint: put the value in quotes",
        ),
        (
            "a: 'x\nb: 1\n",
            "error: c.yaml:1:4: this quote is never closed",
            "hint: end the text with the same quote",
        ),
        (
            'a: "C:\\data"',
            "error: c.yaml:1:7: a backslash in double quotes starts an escape, and this one is "
            "unknown",
            "hint: use single quotes, or write two backslashes",
        ),
        (
            "a: [1, 2\nb: 3\n",
            "error: c.yaml:1:4: the list that starts here is not closed",
            "hint: end it with `]`",
        ),
        (
            "a: {b: 1\nc: 3\n",
            "error: c.yaml:1:4: the mapping that starts here is not closed",
            "hint: end it with `}`",
        ),
        (
            "a: [1 {2}]",
            "error: c.yaml:1:7: expected `,` or `]` here",
            "hint: the list that starts at column 4 is not closed before",
        ),
        (
            "a: 1\nb\nc: 2\n",
            "error: c.yaml:2:1: this line is not `key: value`",
            "hint: write `key: value`, with a space after the colon",
        ),
        (
            "a:\n  - b\n c: 1\n",
            "error: c.yaml:3:2: this line fits neither the mapping nor the list above it",
            "hint: give the keys of a mapping, or the `-` of a list, the same indentation",
        ),
        ("a: }", "error: c.yaml:1:4: a value is missing here", "      |    ^"),
        (
            "  a: 1\nb: 2\n",
            "error: c.yaml:2:1: the config ends before this text",
            "hint: check the indentation: all keys of the first level start in the same column",
        ),
    ],
)
def test_syntax_error_is_explained(text: str, first: str, last: str) -> None:
    lines = refusal(text).splitlines()
    assert (lines[0], lines[-1]) == (first, last)


def test_nul_is_refused_at_its_place() -> None:
    assert refusal(b"a: 1\nb: x\0y\n").splitlines()[0] == (
        "error: c.yaml:2:5: the character NUL is not allowed in a config"
    )


@pytest.mark.parametrize("escape", ["\\0", "\\x00", "\\u0000"])
def test_escaped_nul_is_refused(escape: str) -> None:
    assert refusal(f'a: "{escape}"').splitlines()[0] == (
        "error: c.yaml:1:4: a: the text holds a character that no text has"
    )


def test_other_encoding_is_refused_at_its_place() -> None:
    assert refusal("a: 1\nb: é\n".encode("latin-1")) == (
        "error: c.yaml:2:4: this is not UTF-8 text: byte 0xe9\n"
        "hint: save the file with the encoding UTF-8"
    )


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8")))
@example(b"\xef\xbb\xbf")
@example(b"a: \xef\xbb\xbfb")
@example(b"\xff\xfea\0")
@example("a: \u2028b\x85c".encode())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert read_or_refused(content)


_PIECES = st.sampled_from(
    [*"a-[]{}'\">!%#,~\n\t\\", "b: ", ": ", "- ", "&x ", "*x", "<<: ", "\n  "]
)
_WORDS = st.sampled_from(["? ", "!!set ", "no", "017", "1e5", "---\n", "...", "|\n"])


@given(st.lists(_PIECES | _WORDS, max_size=60).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_yaml_is_read_or_refused(text: str) -> None:
    assert read_or_refused(text)


@pytest.mark.parametrize("piece", ["- ", "a\n", "[{}]\n", "&a ", "'", ": ", "? ", ",", "*a "])
def test_large_nonsense_is_refused(piece: str) -> None:
    assert refusal((piece * 300_000)[: 1024 * 1024])
