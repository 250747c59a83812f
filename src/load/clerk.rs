//! One connection at work: takes an attempt, sends it until it is decided, takes the next.
//!
//! Invariant: however a clerk ends (done, stopped, panicked), what it had sent without a deciding answer is handed in
//! as in doubt.
//! It must not know: what other clerks do, whether an answer is right.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer;
use super::ballots::Attempt;
use super::book::{Book, Next};
use super::connection::Connection;
use super::run::{Run, Target};

#[derive(Debug)]
pub(super) struct Clerk {
    run: Arc<Run>,
    connection: Option<Connection>,
    request: Vec<u8>,
    random: Xoshiro256PlusPlus,
    /// The attempt that was sent and is not decided.
    undecided: Option<Attempt>,
}

const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A server that asks for more than this is not waited for that long.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

impl Clerk {
    pub(super) fn new(run: Arc<Run>, number: u64, connection: Option<Connection>) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(run.job.plan.seed().rotate_left(32) ^ number);
        Self { run, connection, request: Vec::new(), random, undecided: None }
    }

    pub(super) async fn work(mut self) {
        while let Some((attempt, due)) = self.run.next_attempt() {
            if let Some(due) = due {
                sleep_until(due).await;
            }
            self.deliver(&attempt, due.unwrap_or_else(Instant::now)).await;
        }
    }

    async fn deliver(&mut self, attempt: &Attempt, since: Instant) {
        let deadline = Instant::now() + self.run.job.retry_for;
        self.run.requests.write(attempt, &mut self.request);
        let mut tries = 0;
        while let Next::Again(asked) = self.send(attempt, since, tries > 0).await {
            let pause = pause(tries, asked, self.random.random_range(0.5..1.0));
            if Instant::now() + pause > deadline {
                self.run.enter(Book::given_up);
                self.hand_in();
                return;
            }
            sleep(pause).await;
            tries += 1;
        }
        self.undecided = None;
    }

    async fn send(&mut self, attempt: &Attempt, since: Instant, again: bool) -> Next {
        let run = &self.run;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match run.job.api.connect(run.job.patience).await {
                Ok(connection) => connection,
                Err(error) => return run.enter(|book| book.enter_loss(attempt, &error)),
            },
        };
        run.progress.sent(again);
        self.undecided = Some(*attempt);
        match connection.exchange(&self.request).await {
            Ok(response) => {
                let (latency, last) = (since.elapsed(), response.last);
                let next = match run.job.target {
                    Target::Votes(_) => {
                        let answer = answer::read(&response);
                        if let (Some(noted), Some(seq)) = (&run.job.acknowledgements, answer.counted()) {
                            noted.note(seq);
                        }
                        run.enter(|book| book.enter(attempt, answer, latency))
                    }
                    Target::Noop => run.enter(|book| book.enter_noop(response.status, response.retry_after, latency)),
                };
                if next == Next::Done {
                    run.progress.answered(latency);
                }
                self.connection = (!last).then_some(connection);
                next
            }
            Err(error) => run.enter(|book| book.enter_loss(attempt, &error)),
        }
    }

    fn hand_in(&mut self) {
        if let Some(attempt) = self.undecided.take() {
            self.run.enter(|book| book.in_doubt(&attempt));
        }
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.hand_in();
    }
}

/// Doubles with each try, spread by `jitter` (0.5 to 1.0); what the server asked for is the least, spread upwards.
fn pause(tries: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << tries.min(10)).min(PAUSE_MAX).mul_f64(jitter);
    match asked {
        Some(asked) => doubled.max(asked.min(RETRY_AFTER_MAX).mul_f64(0.5 + jitter)),
        None => doubled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_are_spread_and_respect_what_the_server_asks() {
        let ms = |tries, asked: Option<u64>, jitter| {
            u64::try_from(pause(tries, asked.map(Duration::from_secs), jitter).as_millis()).unwrap()
        };
        assert_eq!((ms(0, None, 0.5), ms(0, None, 1.0), ms(1, None, 1.0)), (10, 20, 40));
        assert_eq!(ms(99, None, 1.0), 2000);
        assert_eq!((ms(0, Some(1), 0.5), ms(0, Some(1), 1.0)), (1000, 1500));
        assert_eq!(ms(0, Some(3600), 0.5), 10_000);
    }
}
