//! Conformance of event stores.

use std::sync::Arc;
use std::time::Duration;

use semantest_iac_core::ErrorKind;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::{Envelope, UnknownEvent};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::event_store::{Append, EventStore, ExpectedVersion};
use serde_json::json;

/// An event with this id, of a type that nobody knows.
pub fn event(id: &str) -> Envelope {
    Envelope {
        id: id.to_owned(),
        source: "/testkit".into(),
        subject: "stream".into(),
        time: Timestamp::UNIX_EPOCH,
        data: Event::Unknown(UnknownEvent {
            event_type: "org.example.Something".into(),
            attributes: Default::default(),
            dataschema: None,
            data: json!({ "id": id, "Odd Key": [1, null, "ü"] }),
        }),
        correlation_id: None,
        causation_id: None,
        previous_event_ids: Vec::new(),
        sequence: None,
        traceparent: None,
    }
}

/// An append of events with these ids.
pub fn append(stream: &str, expected: ExpectedVersion, ids: &[&str]) -> Append {
    let events = ids.iter().map(|id| event(id)).collect();
    Append { stream: stream.to_owned(), expected, events, fence: None }
}

use ExpectedVersion::{Any, Exact};

/// The suite. `store` is empty.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(store: Arc<dyn EventStore>) {
    an_empty_store_answers(store.as_ref()).await;
    versions_and_positions_are_dense(store.as_ref()).await;
    a_conflict_leaves_no_trace(store.as_ref()).await;
    a_duplicate_id_leaves_no_trace(store.as_ref()).await;
    nothing_is_not_appended(store.as_ref()).await;
    events_come_back_as_they_were(store.as_ref()).await;
    reading_is_exclusive_and_pages(store.as_ref()).await;
    a_fence_keeps_out_the_former_holder(store.as_ref()).await;
    prefixes_are_literal(store.as_ref()).await;
    a_waiter_wakes_up(store.clone()).await;
    racing_appends_lose_nothing(store).await;
}

async fn an_empty_store_answers(store: &dyn EventStore) {
    assert_eq!(store.head().await.expect("head"), 0, "the head of an empty log");
    assert!(store.read_all(0, 10).await.expect("read").is_empty());
    assert!(store.read_stream("nobody", 0, 10).await.expect("read").is_empty());
    assert!(store.streams("").await.expect("streams").is_empty());
}

async fn versions_and_positions_are_dense(store: &dyn EventStore) {
    let first = store.append(append("dense/a", Exact(0), &["d1", "d2"])).await.expect("append");
    assert_eq!((first.position, first.version), (2, 2));
    let other = store.append(append("dense/b", Any, &["d3"])).await.expect("append");
    assert_eq!((other.position, other.version), (3, 1));
    let more = store.append(append("dense/a", Exact(2), &["d4"])).await.expect("append");
    assert_eq!((more.position, more.version), (4, 3));
    let all: Vec<_> = store
        .read_all(0, 10)
        .await
        .expect("read")
        .into_iter()
        .map(|e| (e.position, e.stream, e.version))
        .collect();
    let expected = [(1, "dense/a", 1), (2, "dense/a", 2), (3, "dense/b", 1), (4, "dense/a", 3)];
    assert_eq!(all, expected.map(|(position, stream, version)| (position, stream.into(), version)));
}

async fn a_conflict_leaves_no_trace(store: &dyn EventStore) {
    let before = store.head().await.expect("head");
    for (stream, expected) in [("dense/a", Exact(1)), ("dense/a", Exact(0)), ("dense/new", Exact(1))] {
        let error = store.append(append(stream, expected, &["c1"])).await.expect_err("a conflict");
        assert_eq!(error.kind(), ErrorKind::VersionConflict, "{error:?}");
        assert!(error.context().iter().any(|(key, _)| key == "actual"), "{error:?} says the real version");
    }
    assert_eq!(store.head().await.expect("head"), before);
    assert!(store.streams("dense/new").await.expect("streams").is_empty(), "no stream comes of a conflict");
    store.append(append("conflict", Exact(0), &["c1"])).await.expect("the id is still free");
}

async fn a_duplicate_id_leaves_no_trace(store: &dyn EventStore) {
    let before = store.head().await.expect("head");
    for ids in [&["d1"][..], &["fresh", "d1"], &["twice", "twice"]] {
        let error = store.append(append("duplicate", Any, ids)).await.expect_err("a duplicate");
        assert_eq!(error.kind(), ErrorKind::DuplicateEvent, "{ids:?}: {error:?}");
    }
    assert_eq!(store.head().await.expect("head"), before);
    store.append(append("duplicate", Exact(0), &["fresh", "twice"])).await.expect("nothing was kept");
}

async fn nothing_is_not_appended(store: &dyn EventStore) {
    let error = store.append(append("empty", Any, &[])).await.expect_err("nothing to append");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

async fn events_come_back_as_they_were(store: &dyn EventStore) {
    let mut original = event("as-it-was \u{1F980} '\"");
    original.correlation_id = Some("c".into());
    original.previous_event_ids = vec!["b".into(), "a".into()];
    let append = Append {
        stream: "odd name %_' \u{fc}".into(),
        expected: Any,
        events: vec![original.clone()],
        fence: None,
    };
    store.append(append).await.expect("append");
    let read = store.read_stream("odd name %_' \u{fc}", 0, 1).await.expect("read");
    original.sequence = Some(1);
    assert_eq!(read[0].envelope().expect("an event"), original);
}

async fn reading_is_exclusive_and_pages(store: &dyn EventStore) {
    let ids: Vec<String> = (0..25).map(|at| format!("page{at}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.append(append("pages", Exact(0), &ids)).await.expect("append");
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.read_stream("pages", after, 10).await.expect("read");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10 && page[0].version == after + 1, "pages are exclusive of `after`");
        after = last.version;
        seen.extend(page.into_iter().map(|event| event.envelope().expect("an event").id));
    }
    assert_eq!(seen, ids);
    let head = store.head().await.expect("head");
    assert_eq!(store.read_all(0, usize::MAX).await.expect("read").len() as u64, head);
    assert!(store.read_all(head, 10).await.expect("read").is_empty());
    assert!(store.read_all(u64::MAX, 10).await.expect("read").is_empty());
}

async fn a_fence_keeps_out_the_former_holder(store: &dyn EventStore) {
    let fenced = |id: &str, token: u64| Append {
        fence: Some(("no such lease".into(), token)),
        ..append("fenced", Any, &[id])
    };
    store.append(fenced("f1", 1)).await.expect("the first holder");
    store.append(fenced("f2", 1)).await.expect("again");
}

async fn prefixes_are_literal(store: &dyn EventStore) {
    for (stream, id) in [("p%/a", "p1"), ("p_/a", "p2"), ("px/a", "p3")] {
        store.append(append(stream, Any, &[id])).await.expect("append");
    }
    let names = |streams: Vec<semantest_iac_core::ports::event_store::StreamInfo>| -> Vec<String> {
        streams.into_iter().map(|stream| stream.name).collect()
    };
    assert_eq!(names(store.streams("p%").await.expect("streams")), ["p%/a"]);
    assert_eq!(names(store.streams("p_").await.expect("streams")), ["p_/a"]);
    assert_eq!(names(store.streams("dense/").await.expect("streams")), ["dense/a", "dense/b"]);
    assert_eq!(store.streams("dense/a").await.expect("streams")[0].version, 3);
}

async fn a_waiter_wakes_up(store: Arc<dyn EventStore>) {
    let head = store.head().await.expect("head");
    let waiting = store.clone();
    let waiter = tokio::spawn(async move { waiting.wait(head, Duration::from_secs(600)).await });
    tokio::task::yield_now().await;
    store.append(append("wake", Any, &["w1"])).await.expect("append");
    waiter.await.expect("no panic").expect("wait");
    store.wait(head, Duration::from_secs(600)).await.expect("what is there already is not waited for");
}

async fn racing_appends_lose_nothing(store: Arc<dyn EventStore>) {
    let before = store.head().await.expect("head");
    let mut writers = Vec::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for at in 0..5 {
                let id = format!("race-{writer}-{at}");
                loop {
                    let version = store.read_stream("race", 0, usize::MAX).await.expect("read").len() as u64;
                    match store.append(append("race", Exact(version), &[id.as_str()])).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::VersionConflict, "{error:?}"),
                    }
                }
            }
        }));
    }
    for writer in writers {
        writer.await.expect("a writer");
    }
    let events = store.read_stream("race", 0, usize::MAX).await.expect("read");
    assert_eq!(events.len(), 40);
    assert!(events.iter().enumerate().all(|(at, event)| event.version == at as u64 + 1));
    let all = store.read_all(before, usize::MAX).await.expect("read");
    assert!(all.iter().enumerate().all(|(at, event)| event.position == before + at as u64 + 1), "no gaps");
}
