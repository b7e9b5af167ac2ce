"""
How Lambda calls the connector.

=========== ==================================================================
http        an intake's frame: an answer before the deadline, always
api_gateway an API Gateway event as a request, and answers for it
sqs         a worker's frame: which messages of an event are offered again
settings    what each function reads from its environment
container   the composition root: settings, clients, clock and chance become flows
=========== ==================================================================
"""
