//! Each file is read by the program that it is for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::files::{good, hustings, json, path, run, text, tool, yaml};
use crate::services::nginx;

#[test]
fn nginx_takes_the_configuration_as_it_is_shipped() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["nginx.conf", "nginx-nodes.conf", "nginx-site.conf"] {
        std::fs::copy(path("deploy").join(file), folder.path().join(file)).expect("a copy");
    }
    nginx::write_where_this_user_may(folder.path());
    let mut openssl = tool("openssl", "openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]);
    openssl.args(["-keyout", "certificate.key", "-out", "certificate.pem"]).current_dir(folder.path());
    good(&mut openssl);
    let said = good(nginx::command(folder.path()).arg("-t"));
    assert!(!said.contains("[warn]"), "{said}");
}

#[test]
fn prometheus_takes_the_rules() {
    let said = good(tool("promtool", "prometheus").args(["check", "rules"]).arg(path("deploy/alerts.yaml")));
    assert!(said.contains(&format!("{} rules found", alerts().len())), "{said}");
}

#[test]
fn each_alert_fires_and_stays_silent_when_it_should() {
    good(tool("promtool", "prometheus").args(["test", "rules"]).arg(path("deploy/alerts.test.yaml")));
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in list(&yaml("deploy/alerts.test.yaml")["tests"]) {
        for case in list(&test["alert_rule_test"]) {
            let name = string(&case["alertname"]);
            let expected = list(&case["exp_alerts"]);
            if expected.is_empty() {
                silent.insert(name)
            } else {
                fires.insert(name)
            };
        }
    }
    let names: BTreeSet<String> = alerts().iter().map(|alert| string(&alert["alert"])).collect();
    assert_eq!(fires, names, "each alert has a case in which it fires");
    assert_eq!(silent, names, "each alert has a case in which it stays silent");
}

/// promtool reads rules only, so the panels are made rules for it.
#[test]
fn prometheus_takes_each_expression_of_the_dashboard() {
    let expressions = dashboard_expressions();
    assert!(expressions.len() > 10, "{expressions:?}");
    let rules: Vec<Value> = (0..)
        .zip(&expressions)
        .map(|(at, expression)| {
            let expression = expression.replace("$__rate_interval", "1m");
            serde_json::json!({ "record": format!("panel:{at}"), "expr": expression })
        })
        .collect();
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    let groups = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(file.path(), groups.to_string()).expect("written");
    good(tool("promtool", "prometheus").args(["check", "rules"]).arg(file.path()));
}

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = text("deploy/hustings.service");
    let program = hustings().display().to_string();
    let unit = shipped.replace("/usr/local/bin/hustings", &program);
    assert_ne!(unit, shipped, "the unit starts /usr/local/bin/hustings");
    let file = folder.path().join("hustings.service");
    std::fs::write(&file, unit).expect("written");
    let said = good(tool("systemd-analyze", "systemd").arg("verify").arg(&file));
    assert!(!said.contains("hustings.service"), "{said}");
    // The scale ends at 100; 20 is what systemd calls OK to SAFE.
    let security = ["security", "--offline=true", "--threshold=20", "--no-pager"];
    good(tool("systemd-analyze", "systemd").args(security).arg(&file));
}

#[test]
fn compose_takes_its_file() {
    let (has_plugin, _) = run(Command::new("docker").args(["compose", "version"]));
    if !has_plugin {
        println!(
            "docker has no plugin `compose` here: compose.yaml is only read as YAML, by the tests beside this one"
        );
        return;
    }
    let mut command = Command::new("docker");
    command.args(["compose", "--file"]).arg(path("deploy/compose.yaml")).args(["config", "--quiet"]);
    for name in ["HUSTINGS_SECRET", "HUSTINGS_ADMIN_TOKEN", "HUSTINGS_PUBLIC_URL", "POSTGRES_PASSWORD"] {
        command.env(name, "given");
    }
    good(command.env("REPLICATION_PASSWORD", "given"));
}

#[test]
fn shells_take_the_scripts() {
    for entry in std::fs::read_dir(path("deploy")).expect("a folder") {
        let file = entry.expect("an entry").path();
        if file.extension().is_some_and(|extension| extension == "sh") {
            good(tool("bash", "bash").arg("-n").arg(&file));
            assert!(is_executable(&file), "{}", file.display());
        }
    }
}

/// All alerts, over all groups.
pub(crate) fn alerts() -> Vec<Value> {
    list(&yaml("deploy/alerts.yaml")["groups"]).iter().flat_map(|group| list(&group["rules"])).collect()
}

/// What the panels of the dashboard ask Prometheus.
pub(crate) fn dashboard_expressions() -> Vec<String> {
    let dashboard = json("deploy/grafana-dashboard.json");
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    targets.map(|target| string(&target["expr"])).collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list, not {value}")).clone()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().expect("a file").permissions().mode() & 0o111 == 0o111
}
