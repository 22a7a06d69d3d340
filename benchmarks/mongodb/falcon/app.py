"""The contacts service of the article: Falcon, PyMongo, one Python process for each worker."""

import json
import os

import falcon
from bson import ObjectId
from pymongo import MongoClient


def make_response(data_type, id_key, data):
    if isinstance(data, list):
        return json.dumps({"data": [item(data_type, id_key, one) for one in data]}, ensure_ascii=False)
    return json.dumps({"data": item(data_type, id_key, data)}, ensure_ascii=False)


def item(data_type, id_key, data):
    return {"type": data_type, "id": data[id_key], "attributes": data}


class ContactsRepoMongo:
    def __init__(self):
        self._contacts = MongoClient(os.environ["MONGO_URI"]).get_default_database().contacts

    def get_list(self):
        result = []
        # The article's query has no bound; its collection has 500 contacts.
        for contact in self._contacts.find().limit(500):
            contact["_id"] = str(contact["_id"])
            result.append(contact)
        return result

    def find(self, contact_id):
        contact = self._contacts.find_one({"_id": ObjectId(contact_id)})
        if contact is None:
            raise falcon.HTTPNotFound(title="Contact not found")
        contact["_id"] = str(contact["_id"])
        return contact


class ContactsController:
    def __init__(self):
        self._repo = ContactsRepoMongo()

    def get_list(self):
        return self._repo.get_list()

    def find(self, contact_id):
        return self._repo.find(contact_id)


class ContactsApi:
    def __init__(self):
        self._controller = ContactsController()

    def on_get(self, _, resp):
        resp.text = make_response("contacts", "_id", self._controller.get_list())


class ContactApi:
    def __init__(self):
        self._controller = ContactsController()

    def on_get(self, _, resp, id):
        resp.text = make_response("contacts", "_id", self._controller.find(id))


def run():
    app = falcon.App(media_type="application/vnd.api+json")
    app.add_route("/contacts", ContactsApi())
    app.add_route("/contacts/{id}", ContactApi())
    return app
