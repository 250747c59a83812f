//! The image and those who run it: pinned, unprivileged, without secrets, and with a health check that works.

use std::process::Command;

use serde_json::Value;

use crate::files::{hustings, json, run, text, yaml};
use crate::proxy::node::Node;

#[test]
fn base_images_are_pinned() {
    let dockerfile = text("deploy/Dockerfile");
    let bases = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")).map(str::to_owned);
    let services = yaml("deploy/compose.yaml")["services"].as_object().expect("services").clone();
    let images = services.values().map(|service| service["image"].as_str().expect("an image").to_owned());
    for image in bases.chain(images) {
        let image = image.split(' ').next().expect("an image").to_owned();
        let tag = image.split_once(':').map(|(_, tag)| tag.to_owned()).unwrap_or_default();
        let version = tag.split('-').next().expect("a tag");
        assert!(version.split('.').count() >= 2 && version.split('.').all(|n| n.parse::<u32>().is_ok()), "{image}");
    }
}

#[test]
fn the_image_is_not_roots_and_what_it_copies_is_there() {
    let dockerfile = text("deploy/Dockerfile");
    let user = dockerfile.lines().filter_map(|line| line.strip_prefix("USER ")).next_back().expect("a user");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    for line in text(".dockerignore").lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(crate::files::path(line).exists(), ".dockerignore lets in {line}, which is not there");
    }
}

#[test]
fn whoever_serves_votes_is_read_only_and_unprivileged() {
    let compose = yaml("deploy/compose.yaml");
    let services = compose["services"].as_object().expect("services");
    for (name, service) in services {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        let once = service["restart"] == "no";
        assert!(once || service["restart"] == "unless-stopped", "{name}");
        assert!(once || service["healthcheck"]["test"].is_array(), "{name} has a health check");
        let grace =
            service["stop_grace_period"].as_str().and_then(|grace| grace.strip_suffix('s')?.parse::<u32>().ok());
        assert!(grace.is_some_and(|grace| grace > 10), "{name}: the drain takes up to 10 s");
        assert!(service["ports"].is_null() || name == "nginx", "{name} is open to the world");
    }
    let fargate = &json("deploy/ecs-task-definition.json")["containerDefinitions"][0];
    assert_eq!(fargate["readonlyRootFilesystem"], true);
    assert!(fargate["stopTimeout"].as_u64().is_some_and(|seconds| seconds > 10));
}

#[test]
fn no_secret_is_written_down() {
    let is_secret = |name: &str| ["PASSWORD", "SECRET", "TOKEN", "DATABASE"].iter().any(|word| name.contains(word));
    let services = yaml("deploy/compose.yaml")["services"].as_object().expect("services").clone();
    let mut seen = 0;
    for (service, settings) in &services {
        for (name, value) in settings["environment"].as_object().into_iter().flatten() {
            let value = value.as_str().expect("a text");
            let is_asked_for = value.contains("${") && value.contains(":?") && !value.contains(":-");
            assert!(!is_secret(name) || is_asked_for, "{service}: {name}: {value}");
            seen += usize::from(is_secret(name));
        }
    }
    assert!(seen > 0, "compose.yaml has secrets");
    let fargate = &json("deploy/ecs-task-definition.json")["containerDefinitions"][0];
    for setting in fargate["environment"].as_array().expect("settings") {
        assert!(!is_secret(setting["name"].as_str().expect("a name")), "{setting}");
    }
}

#[test]
fn nginx_knows_the_nodes_of_compose() {
    let compose = yaml("deploy/compose.yaml");
    let services = compose["services"].as_object().expect("services");
    let address = |name: &str| services[name]["networks"]["nodes"]["ipv4_address"].as_str().expect("one").to_owned();
    let nodes = text("deploy/nginx-nodes.conf");
    let known: Vec<&str> =
        nodes.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split(':').next()).collect();
    assert_eq!(known, ["node-1", "node-2", "node-3"].map(address));
    let trusted = services["node-1"]["environment"]["HUSTINGS_TRUSTED_PROXY"].as_str().expect("a network");
    assert_eq!(trusted, format!("{}/32", address("nginx")));
}

/// The commands are run as a container would, on the port of a real server instead of 8080.
#[tokio::test]
async fn health_checks_tell_a_server_that_lives_from_one_that_does_not() {
    let fargate = json("deploy/ecs-task-definition.json")["containerDefinitions"][0]["healthCheck"]["command"].clone();
    let compose = yaml("deploy/compose.yaml")["services"]["node-1"]["healthcheck"]["test"].clone();
    let dockerfile = text("deploy/Dockerfile");
    let image = dockerfile.lines().find_map(|line| line.trim().strip_prefix("CMD [\"bash\"")).expect("a health check");
    let image: Value = serde_json::from_str(&format!("[\"CMD\", \"bash\"{image}")).expect("a list");
    let mut node = Node::start(&[]).await;
    let port = node.address().port().to_string();
    let healthy = |check: &Value| {
        let words: Vec<String> = serde_json::from_value(check.clone()).expect("words");
        assert_eq!((words[0].as_str(), words.len()), ("CMD", 4), "{words:?}");
        let script = words[3].replace("/8080", &format!("/{port}"));
        assert_ne!(script, words[3]);
        run(Command::new(&words[1]).arg(&words[2]).arg(script)).0
    };
    let checks = [image, fargate, compose];
    assert!(checks.iter().all(&healthy), "{:?}", checks.each_ref().map(healthy));
    node.kill().await;
    assert!(!checks.iter().any(&healthy), "{:?}", checks.each_ref().map(healthy));
    assert_eq!(checks[0], checks[1], "the image and the task are asked the same");
}

/// The image is built from a part of the repository; the compiler must find all it needs there.
#[test]
fn what_the_image_is_built_from_is_what_the_compiler_reads() {
    let depends = hustings().with_extension("d");
    let read = std::fs::read_to_string(&depends).unwrap_or_else(|error| panic!("{}: {error}", depends.display()));
    let root = format!("{}/", env!("CARGO_MANIFEST_DIR"));
    let ignore = text(".dockerignore");
    let let_in: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let files: Vec<&str> = read.split_whitespace().filter_map(|file| file.strip_prefix(&root)).collect();
    assert!(files.len() > 50, "{files:?}");
    for file in files {
        let first = file.split('/').next().expect("a name");
        assert!(let_in.contains(&first), ".dockerignore keeps {file} out of the build");
    }
}
