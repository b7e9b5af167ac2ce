"""
What happens, in plain objects: one module and one class per function, of the same name.

::

    message_intake ──▶ queue ──▶ outbound_messaging ──▶ LivePerson
                                    │ token_refresh
    channel ◀── channel_delivery ◀── queue ◀── webhook_intake

    dead_letter_redrive: dead letters back to the queue they came from

``worker`` is the frame around the two workers: when to try again, when to give up. Everything a
flow needs comes in through its constructor; what of AWS it needs is described in ``ports``.
"""
