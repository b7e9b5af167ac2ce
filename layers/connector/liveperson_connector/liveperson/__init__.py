"""
How LivePerson speaks. The only place with its vocabulary on the wire; nothing of AWS.

==================== ===========================================================
domains              where each of its services lives (Domain API)
http                 one kept-alive session; answers turned into values or errors
app_jwt              the AppJWT, which stands for the connector (Sentinel)
consumer_jws         the ConsumerJWS, which stands for one consumer (IDP)
send_api             what consumers do: CONVERSATION and SEND
payloads             each request to the Send API, as a value
files                files in its storage, uploaded and fetched
monitoring           which campaign a new conversation belongs to
text                 long texts cut into messages that LivePerson takes
signatures           who may call our webhook, over the raw bytes
notifications        webhooks and the changes in them: read, queued, read by the worker
messaging_events     what an event says: a message, a receipt, typing
conversation_changes what a change says: the state of a conversation
json_fields          JSON read by the documented types of its fields
==================== ===========================================================
"""
