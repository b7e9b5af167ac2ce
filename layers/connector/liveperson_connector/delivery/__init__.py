"""
Queue policy. It knows neither LivePerson nor the channel.

=============== ==============================================================
retries         back-off, giving up, dead letters
circuit_breaker stops calls of a destination that is down; half-open probes
ports           what the flows need of AWS
=============== ==============================================================
"""
