"""
What calls of LivePerson need: tokens that are valid.

================ =============================================================
app_jwts         the account's AppJWT, cached, renewed when it is rejected
authorized_calls calls for a consumer with both tokens, and the registration of new ones
================ =============================================================
"""
