"""The service of the article, for today's Python: the peer that everything started from."""

from flask import Flask, jsonify, request

app = Flask("FibonacciAPI")

HTTP_ERROR_CLIENT = 403
HTTP_ERROR_SERVER = 500


def notify_error(text, status):
    return jsonify(error=str(text)), status


@app.route("/fibonacci/list", methods=["GET"])
def fibonacci_list_api():
    if request.args.get("count", "") == "":
        return notify_error("ERR_NO_ARG: 'count' argument required", HTTP_ERROR_CLIENT)
    try:
        count = int(request.args["count"])
    except ValueError:
        return notify_error("ERR_INVALID_TYPE: 'count' must be an integer", HTTP_ERROR_CLIENT)
    if count < 0:
        return notify_error("ERR_OUT_OF_BOUNDS: 'count' must be positive", HTTP_ERROR_CLIENT)
    try:
        return jsonify(answer=fibonacci_calc(count))
    except Exception as error:
        return notify_error(error, HTTP_ERROR_SERVER)


def fibonacci_calc(count):
    sequence = [0, 1]
    for _ in range(2, count):
        sequence.append(sequence[-2] + sequence[-1])
    return sequence[:count]
