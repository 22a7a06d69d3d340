"""The service of the article, for today's Python: `long` is `int`, and the code it leaves out is not here."""

from flask import Flask, jsonify, request

app = Flask("FibonacciAPI")

HTTP_ERROR_CLIENT = 403
HTTP_ERROR_SERVER = 500


def notify_error(text, status):
    return jsonify(error=str(text)), status


@app.route("/fibonacci/list", methods=["GET"])
def fibonacci_list_api():
    if "count" not in request.args or request.args["count"] in ("", None):
        return notify_error("ERR_NO_ARG:  'count' argument required to /fibonacci/api", HTTP_ERROR_CLIENT)

    try:
        count = int(request.args.get("count", ""))
    except:
        return notify_error("ERR_INVALID_TYPE:  'count' parameter must be an integer", HTTP_ERROR_CLIENT)

    if count < 0:
        return notify_error("ERR_OUT_OF_BOUNDS:  'count' parameger must be a postitive integer", HTTP_ERROR_CLIENT)

    try:
        return jsonify(answer=fibonacci_calc(count))
    except Exception as ex:
        return notify_error(ex, HTTP_ERROR_SERVER)


def fibonacci_calc(count):
    assert isinstance(count, int)
    assert count >= 0

    sequence = [0, 1]
    if count > 2:
        for f in range(2, count):
            parent = sequence[-1]
            grandparent = sequence[-2]
            sequence.append(grandparent + parent)
    return sequence[:count]
