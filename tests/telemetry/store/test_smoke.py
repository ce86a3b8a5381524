def test_a_store_opens_empty(store):
    assert store.services_seen() == {}
