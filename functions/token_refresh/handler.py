def handler(event: object, context: object) -> dict[str, object]:
    return {"statusCode": 501}
