"""
The AWS services that the connector uses. The only package that imports botocore.

================== =================================================================
clients            botocore clients with time-outs that fit the caller
parameters         accounts' settings and AppJWTs in Parameter Store
queues             FIFO queues and dead letters in SQS
table              one DynamoDB table: plain values in, plain values out
conversation_store conversations, consumers and what was done, in the table
delivery_state     circuits, held groups, failed tries and leases, in the table
person_store       what ready channels need of the table
known_accounts     which account ids that callers name are worth a look-up
files              agents' files in S3
functions          invoking token_refresh for another AppJWT
================== =================================================================
"""
