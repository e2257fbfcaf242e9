"""The commands about labels: set, list, forget. They need no radio."""

from bluetooth import label
from bluetooth.client.errors import Exit, Unusable
from bluetooth.client.kept_labels import Kept
from bluetooth.client.settings import Options
from bluetooth.client.tools import Tools
from bluetooth.errors import LabelMistyped
from bluetooth.label import MAX_TYPED_CHARS


async def keep(tools: Tools, options: Options) -> Exit:
    """Keep the label of a box, after looking at its check characters."""
    text = options.text or "-"
    if text == "-" and tools.typed.isatty():
        text = tools.ask_secret("Label (as printed, or the text of its QR code): ")
    elif text == "-":
        text = tools.typed.readline(MAX_TYPED_CHARS + 1)
    try:
        found, name = label.scanned(text)
    except LabelMistyped as error:
        raise Unusable(f"this is no label: {error}") from None
    kept = Kept(found, options.name or name, "" if options.name or name else options.address)
    tools.labels.keep(kept)
    fields = {"name": kept.name, "address": kept.address, "file": str(tools.labels.path)}
    tools.voice.result(fields, f"the label of {kept.words} is kept in {tools.labels.path}")
    return Exit.DONE


async def show(tools: Tools, options: Options) -> Exit:
    """Whose labels are kept; nothing of the labels themselves."""
    kept = tools.labels.all()
    fields = [{"name": each.name, "address": each.address} for each in kept]
    text = "\n".join(each.words for each in kept) or "no label is kept: `label set -` keeps one"
    tools.voice.result({"labels": fields}, text)
    return Exit.DONE


async def forget(tools: Tools, options: Options) -> Exit:
    """Forget the label of a box, or all of them."""
    whose = options.text or options.name or options.address
    gone = tools.labels.forget(whose)
    fields = [{"name": each.name, "address": each.address} for each in gone]
    names = ", ".join(each.words for each in gone)
    nobody = f"no label of {whose} is kept" if whose else "no label is kept"
    tools.voice.result({"forgotten": fields}, f"forgotten: {names}" if gone else nobody)
    return Exit.DONE if gone else Exit.SAID_NO
