//! A provider that does what a pool's settings say, on real shells.

use super::*;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::address::Kind;
use crate::model::command::{GuardDirectory, Verb};
use crate::model::schema::ProviderSchema;
use crate::model::{HostSpec, PoolPolicy, Setting, Surveyed};
use crate::plan::step::{Request, Step};

struct Scripted;

static SCRIPTED: Scripted = Scripted;

/// A tool that is older than what is needed, on every machine.
static OLD: Needs = Needs {
    script: "echo lvm LVM version: 2.02.98",
    tools: &[needs::Tool { name: "lvm", called: "lvm2", minimum: "2.03.11", todo: "Install a newer one." }],
};

impl Provider for Scripted {
    fn needs(&self) -> &'static Needs {
        &OLD
    }
    fn schema(&self) -> ProviderSchema {
        unreachable!("a survey needs no schema")
    }
    fn verbs(&self) -> &'static [Verb] {
        &[]
    }
    fn guard(&self, _: &ContainerSpec) -> GuardDirectory {
        unreachable!("a survey takes no guard")
    }
    fn check(&self, _: &ContainerSpec) -> Diagnostics {
        unreachable!("a survey checks no configuration")
    }
    fn steps(&self, _: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        unreachable!("a survey has no steps")
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        let say = scope.container.text("say").to_owned();
        let script = "echo \"$say\"; case $say in break) kill -9 $$ ;; esac";
        vec![Query { script, variables: vec![("say".to_owned(), say)] }]
    }

    /// `asks N` has N further rounds of questions and then is present; a number is an identity.
    fn read(&self, _: &Scope<'_>, answers: &[Answer]) -> Reading {
        let said = answers[0].stdout.trim();
        let rounds: usize = said.strip_prefix("asks ").map_or(0, |rounds| rounds.parse().unwrap());
        if answers.len() <= rounds {
            return Reading::Ask(vec![Query { script: "echo more", variables: Vec::new() }]);
        }
        let identity = said.parse().unwrap_or(1);
        Reading::Done(match said {
            "fresh" => fresh(),
            _ => present(identity),
        })
    }
}

fn fresh() -> ContainerView {
    ContainerView::Fresh {
        missing: Vec::new(),
        foreign: BTreeSet::new(),
        capacity: None,
        strangers: Vec::new(),
        vms: BTreeMap::new(),
    }
}

fn present(identity: u128) -> ContainerView {
    ContainerView::Present(Surveyed {
        strangers: Vec::new(),
        vms: BTreeMap::new(),
        makes: Vec::new(),
        identity: Uuid::from_u128(identity),
        epoch: None,
        objects: Vec::new(),
        foreign: BTreeSet::new(),
        capacity: None,
    })
}

fn target(label: &str, host: &str, say: &str, identity: Option<u128>) -> Target {
    Target {
        spec: ContainerSpec {
            address: Address::new(Kind::Pool, label),
            provider: "scripted".to_owned(),
            host: HostName(host.to_owned()),
            settings: BTreeMap::from([("say".to_owned(), Setting::Text(say.to_owned()))]),
            policy: PoolPolicy::default(),
        },
        identity: identity.map(Uuid::from_u128),
        wanted: BTreeSet::new(),
        probed: BTreeMap::new(),
    }
}

async fn surveyed(targets: &[Target]) -> (BTreeMap<String, ContainerView>, u64) {
    asked(targets, Asked::Containers).await
}

async fn asked(targets: &[Target], asked: Asked) -> (BTreeMap<String, ContainerView>, u64) {
    let host = |name: &str, address: Option<&str>| {
        let name = HostName(name.to_owned());
        let spec = HostSpec {
            name: name.clone(),
            address: address.map(str::to_owned),
            become_root: false,
            connect_timeout_seconds: 10,
            parallelism: 4,
        };
        (name, spec)
    };
    let hosts = Hosts::new([host("other", None), host("away", Some("nowhere.invalid"))].into());
    let views = survey_with(
        &hosts,
        Uuid::nil(),
        targets,
        &|container| {
            if container.provider == "scripted" { Ok(&SCRIPTED) } else { in_catalog(container) }
        },
        asked,
    )
    .await;
    let views = views.into_iter().map(|(address, view)| (address.to_string(), view)).collect();
    (views, hosts.round_trips())
}

#[track_caller]
fn why(view: &ContainerView) -> &str {
    match view {
        ContainerView::Unsurveyed { why } => why,
        other => panic!("taken for {other:?}"),
    }
}

#[tokio::test]
async fn all_containers_of_a_host_share_its_round_trips() {
    let targets = [
        target("a", "local", "1", Some(1)),
        target("b", "local", "2", None),
        target("c", "local", "asks 2", None),
        target("d", "other", "fresh", None),
    ];
    let (views, round_trips) = surveyed(&targets).await;
    let expected =
        [("pool.a", present(1)), ("pool.b", present(2)), ("pool.c", present(1)), ("pool.d", fresh())];
    assert_eq!(views, expected.map(|(address, view)| (address.to_owned(), view)).into());
    assert_eq!(round_trips, 3 + 1);
}

#[tokio::test]
async fn another_container_in_the_place_of_the_recorded_one_is_not_it() {
    let targets = [target("a", "local", "2", Some(1)), target("b", "local", "fresh", Some(1))];
    let (views, _) = surveyed(&targets).await;
    let recorded = Uuid::from_u128(1).to_string();
    for view in views.values() {
        assert!(why(view).contains(&recorded) && why(view).contains("mounted"), "{view:?}");
    }
    assert!(why(&views["pool.a"]).contains(&Uuid::from_u128(2).to_string()));
}

#[tokio::test]
async fn a_host_that_fails_leaves_its_containers_unsurveyed_and_the_others_alone() {
    let targets = [
        target("a", "away", "1", None),
        target("b", "unknown", "1", Some(1)),
        target("c", "other", "break", None),
        target("d", "other", "1", None),
        target("e", "local", "1", None),
    ];
    let (views, _) = surveyed(&targets).await;
    assert!(why(&views["pool.a"]).contains("nowhere.invalid"));
    assert!(why(&views["pool.b"]).contains("unknown"));
    why(&views["pool.c"]);
    why(&views["pool.d"]);
    assert_eq!(views["pool.e"], present(1));
}

#[tokio::test]
async fn a_provider_that_never_has_enough_does_not_keep_the_survey_from_ending() {
    let (views, round_trips) = surveyed(&[target("a", "local", "asks 3", None)]).await;
    assert!(why(&views["pool.a"]).contains("questions"));
    assert_eq!(round_trips, 3);
}

/// What is there is asked for once, with the first questions.
#[tokio::test]
async fn a_host_that_lacks_a_tool_is_an_error_for_what_needs_it_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = target("c", "local", "", None);
    other.spec.provider = "file".to_owned();
    let path = directory.path().to_str().unwrap().to_owned();
    other.spec.settings = BTreeMap::from([("path".to_owned(), Setting::Text(path))]);
    let targets = [target("a", "local", "1", None), target("b", "local", "2", None), other];
    let (views, round_trips) = asked(&targets, Asked::NeedsToo).await;
    for pool in ["pool.a", "pool.b"] {
        assert_eq!(why(&views[pool]), "local: lvm2 >= 2.03.11 is needed, 2.02.98 found. Install a newer one");
    }
    assert!(matches!(views["pool.c"], ContainerView::Fresh { .. }), "{:?}", views["pool.c"]);
    assert_eq!(round_trips, 1);
}
