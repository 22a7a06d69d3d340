// Makes a replica set of the members of compose.yaml, unless it is one, and waits for a primary.
try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({
    _id: "monocoque",
    members: [1, 2, 3].map((number) => ({ _id: number, host: `datastore-${number}:27017` })),
  });
}
const deadline = Date.now() + 60000;
while (!db.hello().primary) {
  if (Date.now() > deadline) throw new Error("the replica set has no primary after 60 s");
  sleep(200);
}
