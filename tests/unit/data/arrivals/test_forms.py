"""Events in the shapes that their senders publish (the modules name the pages)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.arrivals.arrival import Arrival
from mltk.data.arrivals.forms import FORMS, decode, parse
from mltk.errors import DataError, UsageError

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def s3_record(key: str = "wine/a.csv", name: str = "ObjectCreated:Put", **obj: Any) -> Any:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-west-2",
        "eventTime": "2026-11-28T12:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "testConfigRule",
            "bucket": {"name": "cellar", "arn": "arn:aws:s3:::cellar"},
            "object": {
                "key": quote_plus(key),
                "size": 1024,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "sequencer": "0055AED6DCD90281E5",
                **obj,
            },
        },
    }


BRIDGED = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2026-11-28T12:00:00Z",
    "region": "ca-central-1",
    "detail": {
        "version": "0",
        "bucket": {"name": "cellar"},
        "object": {
            "key": "wine/a+b.csv",
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "reason": "PutObject",
    },
}


def pubsub(kind: str = "OBJECT_FINALIZE", **attributes: str) -> Any:
    resource = {
        "kind": "storage#object",
        "name": "wine/a b.csv",
        "bucket": "cellar",
        "generation": "1467930410739000",
        "timeCreated": "2026-11-28T11:00:00.000Z",
        "updated": "2026-11-28T11:00:00.000Z",
        "size": "352",
        "md5Hash": "pYHXkdhlFK4NMTHGxLXGFg==",
        "etag": "CPj06Y7v3dECEAE=",
    }
    return {
        "message": {
            "attributes": {
                "bucketId": "cellar",
                "objectId": "wine/a b.csv",
                "eventType": kind,
                "eventTime": "2026-11-28T12:00:00.000000Z",
                "objectGeneration": "1467930410739000",
                "payloadFormat": "JSON_API_V1",
                **attributes,
            },
            "data": base64.b64encode(json.dumps(resource).encode()).decode(),
            "messageId": "2070443601311540",
            "message_id": "2070443601311540",
            "publishTime": "2026-11-28T12:00:01.000Z",
        },
        "subscription": "projects/p/subscriptions/s",
    }


BLOB = {
    "api": "PutBlockList",
    "clientRequestId": "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
    "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
    "eTag": "0x8D4BCC2E4835CD0",
    "contentType": "text/csv",
    "contentLength": 524288,
    "blobType": "BlockBlob",
    "url": "https://acct.blob.core.windows.net/cellar/wine/a%20b.csv",
    "sequencer": "00000000000004420000000000028963",
    "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
}
GRID = {
    "topic": "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/acct",
    "subject": "/blobServices/default/containers/cellar/blobs/wine/a b.csv",
    "eventType": "Microsoft.Storage.BlobCreated",
    "eventTime": "2026-11-28T12:00:00.0000000Z",
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "data": BLOB,
    "dataVersion": "",
    "metadataVersion": "1",
}
WILLING = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "topic": "/subscriptions/s",
    "subject": "",
    "data": {
        "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
        "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/x/validate?id=1",
    },
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": "2026-11-28T12:00:00.1214864Z",
    "metadataVersion": "1",
    "dataVersion": "2",
}


def cloud(kind: str, data: Any, **more: Any) -> Any:
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/here",
        "type": kind,
        "time": "2026-11-28T12:00:00Z",
        "data": data,
        **more,
    }


def only(form: str, document: Any) -> Arrival:
    (found,) = parse(form, document).arrivals
    return found


def test_a_record_of_s3() -> None:
    found = only("s3", {"Records": [s3_record("wine/a b+ü.csv", versionId="v1")]})
    assert found == Arrival(
        "s3",
        "s3://cellar/wine/a b+ü.csv",
        "v1",
        "d41d8cd98f00b204e9800998ecf8427e",
        1024,
        NOON,
        "0055AED6DCD90281E5",
    )


def test_minio_says_more_and_puts_its_name_before_the_event() -> None:
    record = s3_record(name="s3:ObjectCreated:CompleteMultipartUpload", versionId="null")
    event = {"EventName": record["eventName"], "Key": "cellar/wine/a.csv", "Records": [record]}
    assert only("s3", event).version == ""


def test_several_records_and_what_is_no_new_object() -> None:
    records = [s3_record("a"), s3_record("b", "ObjectRemoved:Delete"), s3_record("c")]
    uris = [each.uri for each in parse("s3", {"Records": records}).arrivals]
    assert uris == ["s3://cellar/a", "s3://cellar/c"]


def test_the_test_event_of_s3() -> None:
    event = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-11-28T12:00:00.000Z",
        "Bucket": "cellar",
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
    assert parse("s3", event).arrivals == ()


def test_eventbridge_does_not_encode_the_key() -> None:
    found = only("s3", BRIDGED)
    assert found.uri == "s3://cellar/wine/a+b.csv"
    assert found.version == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert parse("s3", {**BRIDGED, "detail-type": "Object Deleted"}).arrivals == ()


def test_an_object_of_google_written_over_another() -> None:
    found = only("gcs", pubsub(overwroteGeneration="1467930410738000"))
    assert found == Arrival(
        "gcs",
        "gs://cellar/wine/a b.csv",
        "1467930410739000",
        "CPj06Y7v3dECEAE=",
        352,
        NOON,
        "2070443601311540",
    )


def test_google_without_a_payload_and_other_events() -> None:
    bare = pubsub(payloadFormat="NONE")
    del bare["message"]["data"]
    assert only("gcs", bare).version == "1467930410739000"
    for kind in ("OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"):
        assert parse("gcs", pubsub(kind)).arrivals == ()


def test_a_blob_by_event_grid() -> None:
    found = only("azure", [GRID])
    assert found == Arrival(
        "azure",
        "az://cellar/wine/a b.csv",
        "",
        "0x8D4BCC2E4835CD0",
        524288,
        NOON,
        "831e1650-001e-001b-66ab-eeb76e069631",
    )


def test_a_blob_that_is_only_begun_has_not_arrived() -> None:
    begun = {**GRID, "data": {**BLOB, "api": "CreateFile", "contentLength": 0}}
    whole = {**GRID, "data": {**BLOB, "api": "FlushWithClose"}}
    assert [each.size for each in parse("azure", [begun, whole]).arrivals] == [524288]


def test_event_grid_asks_whether_it_is_welcome() -> None:
    told = parse("azure", [WILLING])
    assert told.validation_url == WILLING["data"]["validationUrl"]  # type: ignore[index]
    assert told.arrivals == ()
    as_cloud_event = cloud(WILLING["eventType"], WILLING["data"])  # type: ignore[arg-type]
    assert parse("cloudevents", as_cloud_event).validation_url == told.validation_url


@pytest.mark.parametrize(
    "url",
    [
        "http://rp.eventgrid.azure.net/x",
        "https://eventgrid.azure.net.evil.example/x",
        "https://evil.example/?.eventgrid.azure.net",
        "https://rp.eventgrid.azure.net:22/x",
        "https://rp.eventgrid.azure.net@evil.example/",
        "https://[::1",
        "file:///etc/passwd",
    ],
)
def test_nobody_else_is_asked_for_a_validation(url: str) -> None:
    with pytest.raises(DataError, match="validationUrl"):
        parse("azure", [{**WILLING, "data": {"validationUrl": url}}])


@pytest.mark.parametrize(
    ("kind", "data", "uri"),
    [
        ("Microsoft.Storage.BlobCreated", BLOB, "az://cellar/wine/a b.csv"),
        (
            "google.cloud.storage.object.v1.finalized",
            {"bucket": "cellar", "name": "a.csv", "generation": "7", "size": "9"},
            "gs://cellar/a.csv",
        ),
        ("com.amazonaws.s3.ObjectCreated:Put", s3_record("x y"), "s3://cellar/x y"),
        ("com.amazonaws.s3.s3:ObjectCreated:Put", {"Records": [s3_record("z")]}, "s3://cellar/z"),
        ("org.example.export.done", {"uri": "gs://c/a.csv"}, "gs://c/a.csv"),
        ("org.example.export.done", '{"uri": "gs://c/a.csv"}', "gs://c/a.csv"),
    ],
)
def test_cloud_events(kind: str, data: Any, uri: str) -> None:
    found = only("cloudevents", cloud(kind, data))
    assert found.uri == uri
    assert found.id == "e-1" or "Records" in data
    assert found.time == NOON or "google" in kind
    assert parse("cloudevents", [cloud(kind, data)] * 2).arrivals == (found, found)


def test_the_data_of_a_cloud_event_in_base64() -> None:
    written = base64.b64encode(b'{"uri": "s3://cellar/a.csv"}').decode()
    event = cloud("org.example.done", None, data_base64=written)
    assert only("cloudevents", event).uri == "s3://cellar/a.csv"


@pytest.mark.parametrize(
    "event",
    [
        {"entity": "registered_model", "action": "created", "data": {"name": "wine"}},
        {
            "entity": "model_version_alias",
            "action": "created",
            "timestamp": "2026-11-28T12:00:00.000000+00:00",
            "data": {"name": "wine", "alias": "champion", "version": "1"},
        },
    ],
)
def test_mlflow_tells_of_a_model(event: Any) -> None:
    assert only("mlflow", event).uri in ("models:/wine", "models:/wine/1")


def test_mlflow_tells_of_other_things_too() -> None:
    assert parse("mlflow", {"entity": "prompt", "action": "created", "data": {}}).arrivals == ()


def test_the_generic_form() -> None:
    many = {"arrivals": [{"uri": "s3://a/b", "size": 3}, {"uri": "gs://c/d", "etag": '"e"'}]}
    first, second = parse("generic", many).arrivals
    assert (first.size, second.etag) == (3, "e")
    with pytest.raises(DataError, match="field 'ur1'; did you mean 'uri'"):
        parse("generic", {"ur1": "s3://a/b"})
    with pytest.raises(DataError, match="is no URI"):
        parse("generic", {"uri": "/etc/passwd"})


@pytest.mark.parametrize(
    ("form", "document", "said"),
    [
        ("s3", {"Records": [{"eventName": "ObjectCreated:Put"}]}, r"Records\[0\].s3 is no object"),
        ("s3", {"Records": [s3_record(size="1e3")]}, "size is no size in bytes"),
        ("s3", {}, "Records is no list"),
        ("gcs", {"message": {"attributes": {}}}, "eventType is no text"),
        ("azure", [{**GRID, "eventTime": "noon"}], "eventTime is no time"),
        ("cloudevents", {"specversion": "0.3"}, "specversion is not 1.0"),
        ("mlflow", [], "it is no object"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(form: str, document: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse(form, document)


def test_an_event_as_triggers_hand_it_on() -> None:
    written = base64.b64encode(json.dumps({"uri": "s3://a/b"}).encode()).decode()
    assert decode("generic", written) == parse("generic", {"uri": "s3://a/b"})
    with pytest.raises(DataError, match="no JSON in base64"):
        decode("generic", "not base64")
    with pytest.raises(UsageError, match=r"no form of events 's4'.*\nforms: s3, gcs"):
        decode("s4", written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
EXAMPLES = {
    "s3": {"Records": [s3_record()]},
    "gcs": pubsub(),
    "azure": [GRID, WILLING],
    "cloudevents": cloud("Microsoft.Storage.BlobCreated", BLOB),
    "mlflow": {"entity": "model_version", "action": "created", "data": {"name": "n"}},
    "generic": {"uri": "s3://a/b", "size": 1, "time": "2026-11-28T12:00:00Z"},
}


@given(st.sampled_from(sorted(FORMS)), JSON)
def test_whatever_comes_is_read_or_refused(form: str, document: Any) -> None:
    _read_or_refused(form, document)


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_an_event_with_one_wrong_place_is_read_or_refused(form: str, data: st.DataObject) -> None:
    document = json.loads(json.dumps(EXAMPLES[form]))
    node = document
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        place = data.draw(st.sampled_from(places))
        if not isinstance(node[place], dict | list) or not node[place] or data.draw(st.booleans()):
            node[place] = data.draw(JSON)
            break
        node = node[place]
    _read_or_refused(form, document)


def _read_or_refused(form: str, document: Any) -> None:
    try:
        told = parse(form, document)
    except DataError:
        return
    assert all("/" in each.uri and each.source in FORMS for each in told.arrivals)


@given(
    st.text(min_size=1, max_size=40).filter(
        lambda key: key == key.encode("utf-8", "replace").decode()
    )
)
def test_every_key_of_s3_comes_back(key: str) -> None:
    assert only("s3", {"Records": [s3_record(key)]}).uri == f"s3://cellar/{key}"
