"""
What happens: one module or package per function, of the same name.

::

    message_intake ──▶ queue ──▶ outbound_messaging ──▶ LivePerson
                                    │ token_refresh
    channel ◀── channel_delivery ◀── queue ◀── webhook_intake

    dead_letter_redrive: dead letters back to the queue they came from

Everything a flow needs comes in through its constructor; ``delivery.ports`` describes what it needs
of AWS.
"""
