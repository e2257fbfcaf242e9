"""The commands about labels: set, list, forget. They need no radio."""

from bluetooth import label
from bluetooth.client.errors import Exit, Unusable
from bluetooth.client.kept_labels import Kept
from bluetooth.client.settings import Options
from bluetooth.client.visit import Means
from bluetooth.errors import LabelMistyped
from bluetooth.label import MAX_TYPED_CHARS


async def keep(means: Means, options: Options) -> Exit:
    """Keep the label of a box, after looking at its check characters."""
    text = options.text or "-"
    if text == "-" and means.typed.isatty():
        text = means.ask_secret("Label (as printed, or the text of its QR code): ")
    elif text == "-":
        text = means.typed.readline(MAX_TYPED_CHARS + 1)
    try:
        found, name = label.scanned(text)
    except LabelMistyped as error:
        raise Unusable(f"this is no label: {error}") from None
    kept = Kept(found, options.name or name, "" if options.name or name else options.address)
    means.labels.keep(kept)
    fields = {"name": kept.name, "address": kept.address, "file": str(means.labels.path)}
    means.voice.result(fields, f"the label of {kept.words} is kept in {means.labels.path}")
    return Exit.DONE


async def show(means: Means, options: Options) -> Exit:
    """Whose labels are kept; nothing of the labels themselves."""
    kept = means.labels.all()
    fields = [{"name": each.name, "address": each.address} for each in kept]
    text = "\n".join(each.words for each in kept) or "no label is kept: `label set -` keeps one"
    means.voice.result({"labels": fields}, text)
    return Exit.DONE


async def forget(means: Means, options: Options) -> Exit:
    """Forget the label of a box, or all of them."""
    whose = options.text or options.name or options.address
    gone = means.labels.forget(whose)
    fields = [{"name": each.name, "address": each.address} for each in gone]
    names = ", ".join(each.words for each in gone)
    nobody = f"no label of {whose} is kept" if whose else "no label is kept"
    means.voice.result({"forgotten": fields}, f"forgotten: {names}" if gone else nobody)
    return Exit.DONE if gone else Exit.SAID_NO
