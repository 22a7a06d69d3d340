"""What two clients of JSON:API make of examples/blog. Named is the log of a process that serves it."""

import json
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import jsonapi_requests
from jsonapi_client import Filter, Inclusion, Modifier, Session
from jsonapi_client.exceptions import DocumentError
from jsonapi_requests.orm import ApiModel, AttributeField, OrmApi, RelationField
from jsonapi_requests.request_factory import ApiClientError

PATIENCE_S = 20


def is_true(found, expected):
    if found != expected:
        sys.exit(f"found {found!r}, expected {expected!r}")


def address(log):
    """Where the process listens, which is in its first line; it is ready when it says so."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        whole, _, _ = log.read_text().rpartition("\n")
        for line in map(json.loads, filter(None, whole.split("\n"))):
            if "listen" in line:
                return f"http://{line['listen']}"
        time.sleep(0.05)
    sys.exit(f"the server does not start: {log.read_text()}")


def wait_until_ready(base):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            return urlopen(f"{base}/readiness").close()
        except URLError:
            time.sleep(0.05)
    sys.exit("the server does not get ready")


def read_with_jsonapi_client(base):
    with Session(base) as session:
        def ids(*modifiers):
            wanted = sum(modifiers[1:], modifiers[0])
            return [one.id for one in session.get("articles", wanted).resources]

        article = session.get("articles", 1).resource
        is_true(article.author.name, "Ann Okafor")
        is_true([one.id for one in article.comments], ["1", "2", "3", "4"])
        is_true([one.name for one in article.tags], ["harbour", "bread"])
        is_true(ids(Filter(title="A zip can be mended")), ["4"])
        is_true(ids(Filter(author__name="Ann Okafor")), ["1", "3", "5", "10"])
        is_true(ids(Modifier("sort=-views&page[size]=3")), ["5", "3", "10"])
        found = session.get("articles", Filter(author="2") + Inclusion("author")).resources
        is_true({one.author.name for one in found}, {"Bruno Lindqvist"})
        is_true(len(list(session.iterate("comments", Modifier("page[size]=7")))), 30)
        try:
            session.get("articles", 99)
            sys.exit("an article that is not there was found")
        except DocumentError as error:
            is_true(error.errors["status_code"], 404)


def write_with_jsonapi_client(base):
    text, many = {"type": "string"}, {"relation": "to-many", "resource": ["tags"]}
    one = {"relation": "to-one", "resource": ["people"]}
    schema = {
        "articles": {"properties": {"title": text, "author": one, "tags": many}},
        "people": {"properties": {"name": text}},
        "tags": {"properties": {"name": text}},
    }
    with Session(base, schema=schema) as session:
        new = session.create_and_commit("articles", title="Made", author="2", tags=["1", "2"])
        is_true(new.author.name, "Bruno Lindqvist")
        new.title = "Changed"
        new.author = "3"
        new.commit()
    with Session(base) as session:
        found = session.get("articles", Filter(title="Changed")).resource
        is_true((found.author.id, [tag.id for tag in found.tags]), ("3", ["1", "2"]))
        found.delete()
        found.commit()
    # A session keeps the documents that it has read.
    with Session(base) as session:
        is_true(session.get("articles", Filter(title="Changed")).resources, [])


def read_and_write_with_jsonapi_requests(base):
    config = {"API_ROOT": base, "TIMEOUT": PATIENCE_S, "RETRIES": 1}
    orm = OrmApi.config(config)

    class Person(ApiModel):
        class Meta:
            type, api, path = "people", orm, "people"

        name = AttributeField("name")

    class Tag(ApiModel):
        class Meta:
            type, api, path = "tags", orm, "tags"

        name = AttributeField("name")

    class Article(ApiModel):
        class Meta:
            type, api, path = "articles", orm, "articles"

        title = AttributeField("title")
        author = RelationField("author")
        tags = RelationField("tags")

    article = Article.from_id("1")
    is_true((article.title, article.author.name), ("A loaf for the night ferry", "Ann Okafor"))
    is_true([tag.name for tag in article.tags], ["harbour", "bread"])
    wanted = {"filter[author]": "2", "sort": "-views", "include": "author"}
    found = Article.get_list(params=wanted)
    is_true([one.id for one in found], ["6", "9", "2", "11"])
    is_true({one.author.name for one in found}, {"Bruno Lindqvist"})
    is_true((Article.exists("1"), Article.exists("99")), (True, False))

    new = Article()
    new.title, new.author, new.tags = "Made", Person.from_id("2"), [Tag.from_id("1")]
    new.save()
    is_true((Article.from_id(new.id).author.name, new.id.isdigit()), ("Bruno Lindqvist", True))
    new.delete()
    is_true(Article.exists(new.id), False)

    plain = jsonapi_requests.Api.config(config)
    page = plain.endpoint("articles/1/comments").get(params={"page[size]": 2})
    is_true([one.id for one in page.data], ["1", "2"])
    try:
        plain.endpoint("articles/99").get()
        sys.exit("an article that is not there was found")
    except ApiClientError as error:
        is_true(error.status_code, 404)


base = address(Path(sys.argv[1]))
wait_until_ready(base)
read_with_jsonapi_client(base)
write_with_jsonapi_client(base)
read_and_write_with_jsonapi_requests(base)
print("jsonapi-client and jsonapi-requests read and write the blog")
