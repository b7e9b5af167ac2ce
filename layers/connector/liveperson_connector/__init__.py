"""
The connector: carries messages between a brand's own channel and LivePerson.

::

    functions ──▶ entrypoints ──▶ flows ──▶ delivery
                       │            │
                       └────────────┴──▶ liveperson, channel, aws ──▶ telemetry, domain, support

=========== ====================================================================
entrypoints how Lambda meets us: HTTP and SQS events, settings, the container
flows       what happens: one module or package per function
delivery    queue policy: retries, circuit breaker, what flows need of AWS
liveperson  how LivePerson speaks; the only place with its vocabulary
channel     how the brand's channel speaks
aws         what we stand on; the only place that imports botocore
telemetry   outcomes, log lines, metrics
domain      values and errors that every room knows
support     caching and HTTP sessions
=========== ====================================================================

Imports point as the arrows do; the rules in ``pyproject.toml`` keep it so.
"""

__version__ = "0.1.0"
