//! A new connection, to the first host of an address that gives one.
//!
//! Invariant: a host that says nothing takes its share of the time and no more, so that the others are asked too. It must
//! not know: what the connection is for.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::{Client, Config, NoTls};

use super::failure::Failure;

/// The longest wait for a new connection, all hosts together.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Connects, within a time that the hosts share, and gives the task that talks to the server beside it. Hosts are asked
/// in the order of the address, unless it says that they shall share the work: then each turn begins with another one.
pub(super) async fn connect(config: &Config, turn: usize) -> Result<(Client, JoinHandle<()>), Failure> {
    let mut hosts = hosts(config);
    let first = if config.get_load_balance_hosts() == LoadBalanceHosts::Random { turn % hosts.len().max(1) } else { 0 };
    hosts.rotate_left(first);
    let until = Instant::now() + CONNECT_MAX;
    let mut tried = Vec::new();
    for ((name, config), left) in hosts.iter().zip((1..=hosts.len()).rev()) {
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let share = until.saturating_duration_since(Instant::now()) / left;
        let failure = match timeout(share, config.connect(NoTls)).await {
            Ok(Ok((client, connection))) => {
                let task = async {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection to PostgreSQL has ended");
                    }
                };
                return Ok((client, tokio::spawn(task)));
            }
            Ok(Err(error)) => Failure::Server(error),
            Err(_) => Failure::Silent,
        };
        tried.push((name.clone(), failure));
    }
    Err(Failure::of_hosts(tried))
}

/// Hosts and ports, as they are written in an address.
pub(super) fn names(config: &Config) -> Vec<String> {
    let hosts: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        hosts => hosts.iter().map(name).collect(),
    };
    hosts.iter().enumerate().map(|(place, host)| format!("{host}:{}", port(config, place))).collect()
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        // As an address has it: the slashes of a folder would end the part with the host.
        Host::Unix(folder) => folder.display().to_string().replace('/', "%2F"),
    }
}

fn port(config: &Config, place: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(place).or(ports.first()).copied().unwrap_or(5432)
}

/// Each host by its name, with an address of its own.
fn hosts(config: &Config) -> Vec<(String, Config)> {
    names(config).into_iter().enumerate().map(|(place, name)| (name, alone(config, place))).collect()
}

/// The same address with only one of its hosts: of several, the driver would let the first one take all of the time.
fn alone(all: &Config, place: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(place) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        Some(Host::Unix(folder)) => _ = one.host_path(folder),
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(place) {
        one.hostaddr(*address);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(database) = all.get_dbname() {
        one.dbname(database);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(longest) = all.get_connect_timeout() {
        one.connect_timeout(*longest);
    }
    if let Some(longest) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*longest);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.port(port(all, place)).keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
    one.ssl_mode(all.get_ssl_mode()).ssl_negotiation(all.get_ssl_negotiation());
    one.channel_binding(all.get_channel_binding()).target_session_attrs(all.get_target_session_attrs());
    one.load_balance_hosts(all.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_is_reached_as_it_is_among_others() {
        let options = "user=clerk password=s3cret dbname=votes options='-c geqo=off' application_name=x \
                       sslmode=disable sslnegotiation=direct connect_timeout=1 tcp_user_timeout=2 keepalives=0 \
                       keepalives_idle=3 keepalives_interval=4 keepalives_retries=5 target_session_attrs=read-write \
                       channel_binding=require load_balance_hosts=random";
        let config = |hosts: &str| format!("{hosts} {options}").parse::<Config>().expect("an address");
        let all = config("host=one,two,/run/three hostaddr=192.0.2.1,192.0.2.2,192.0.2.3 port=5432,6432,7432");
        let each = [
            ("one:5432", config("host=one hostaddr=192.0.2.1 port=5432")),
            ("two:6432", config("host=two hostaddr=192.0.2.2 port=6432")),
            ("%2Frun%2Fthree:7432", config("host=/run/three hostaddr=192.0.2.3 port=7432")),
        ];
        assert_eq!(hosts(&all), each.map(|(name, config)| (name.to_owned(), config)));
        let addresses = config("hostaddr=192.0.2.1,192.0.2.2 port=7000");
        assert_eq!(names(&addresses), ["192.0.2.1:7000", "192.0.2.2:7000"]);
        assert_eq!(alone(&addresses, 1), config("hostaddr=192.0.2.2 port=7000"));
    }
}
