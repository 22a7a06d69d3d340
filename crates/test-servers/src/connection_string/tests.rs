//! What the tests make of the connection string that they are given.

use super::ConnectionString;

const GIVEN: &str = "mongodb://ada:p%40ss@a:1,b:2/shop?replicaSet=rs0&AppName=x&tls=true";

fn given() -> ConnectionString {
    ConnectionString::parsed(GIVEN)
}

#[test]
fn an_option_takes_the_place_of_the_one_that_was_there() {
    let changed = given().option("appName", "y").to_string();
    let wanted = "mongodb://ada:p%40ss@a:1,b:2/shop?replicaSet=rs0&tls=true&appName=y";
    assert_eq!(changed, wanted);
    let changed = ConnectionString::parsed("mongodb://h").option("a", "b");
    assert_eq!(changed.to_string(), "mongodb://h/?a=b");
}

#[test]
fn another_database_leaves_users_where_they_were() {
    let changed = given().database("other").to_string();
    assert!(changed.contains("@a:1,b:2/other?"), "{changed}");
    assert!(changed.ends_with("&authSource=shop"), "{changed}");
    let without = ConnectionString::parsed("mongodb://h/shop").database("other");
    assert_eq!(without.to_string(), "mongodb://h/other?");
}

#[test]
fn one_server_under_another_address_keeps_credentials_and_encryption() {
    let only = given().only("127.0.0.1:9").to_string();
    let place = "mongodb://ada:p%40ss@127.0.0.1:9/shop?";
    assert!(only.starts_with(place), "{only}");
    for option in ["tls=true", "tlsInsecure=true", "directConnection=true"] {
        assert!(only.contains(option), "{only}");
    }
    let named = ConnectionString::parsed("mongodb+srv://cluster.shop/?srvMaxHosts=1");
    let only = named.only("127.0.0.1:9").to_string();
    assert!(
        only.starts_with("mongodb://127.0.0.1:9/?tls=true&"),
        "{only}"
    );
}

#[test]
fn other_credentials_take_the_place_of_those_that_were_there() {
    let changed = given().credentials("eve", "pw").to_string();
    assert!(
        changed.starts_with("mongodb://eve:pw@a:1,b:2/"),
        "{changed}"
    );
}
