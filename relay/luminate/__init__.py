"""Everything about Luminate Online's interfaces, and the only room that knows its words.

``schemas`` turns a gift into parameters, ``client`` sends them, ``replies`` reads what came back, ``outcomes`` says
what it means. ``readback`` (REST) and ``soap`` look up what became of a call whose answer was lost. Providers are
unknown here; both sides know ``relay.gifts``.
"""
