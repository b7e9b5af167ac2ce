"""
How LivePerson speaks. The only place with its vocabulary on the wire; nothing of AWS.

============= ==================================================================
domains       where each of its services lives (Domain API)
http          one kept-alive session; answers turned into values or errors
app_jwt       the AppJWT, which stands for the connector (Sentinel)
consumer_jws  the ConsumerJWS, which stands for one consumer (IDP)
send_api      what consumers do: CONVERSATION and SEND
payloads      each thing that can be asked of it, as a value
files         files at its storage, uploaded and fetched
monitoring    which campaign a new conversation belongs to
text          long texts cut into messages that LivePerson takes
signatures    who may call our webhook, over the raw bytes
notifications what its webhooks tell: messaging events and conversation changes
============= ==================================================================
"""
