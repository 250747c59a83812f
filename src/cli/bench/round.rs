//! One run of no-ops or votes, alike in everything but the path.
//!
//! It must not know: what is printed.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use hustings_core::Time;

use crate::load::{Api, Job, Mix, Outcome, Pace, Plan, PlanError, Poll, Target, run};

/// How a run is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) pace: Pace,
    pub(super) run_for: Option<Duration>,
    pub(super) seed: u64,
    pub(super) mix: Mix,
}

const CHOICES: [&str; 3] = ["A", "B", "C"];

/// Sends so many requests to the no-op.
pub(super) async fn noop(api: &Api, requests: u32, shape: &Shape, start: Time) -> anyhow::Result<Outcome> {
    let codes = CHOICES.map(str::to_lowercase).to_vec();
    let plan = plan(codes, requests, shape, start)?;
    Ok(cast(api, plan, Target::Noop, shape).await)
}

/// Makes a poll and lets so many voters vote in it.
pub(super) async fn votes(api: &Api, voters: u32, shape: &Shape, start: Time) -> anyhow::Result<(Poll, Outcome)> {
    let poll = api.create_poll("A bench", &CHOICES).await?;
    let codes = poll.choices().iter().map(|choice| choice.code.clone()).collect();
    let plan = plan(codes, voters, shape, start)?;
    let outcome = cast(api, plan, Target::votes(&poll), shape).await;
    Ok((poll, outcome))
}

/// Half of the voters for the first choice, three tenths for the second, the rest for the third.
fn plan(codes: Vec<String>, voters: u32, shape: &Shape, start: Time) -> Result<Plan, PlanError> {
    let (half, tenths) = (voters / 2, voters / 10 * 3);
    let counts = codes.into_iter().zip([half, tenths, voters - half - tenths]).collect();
    Plan::new(counts, shape.mix, shape.seed, start)
}

async fn cast(api: &Api, plan: Plan, target: Target, shape: &Shape) -> Outcome {
    let mut job = Job::new(api.clone(), Arc::new(plan), target, shape.connections);
    job.pace = shape.pace;
    job.run_for = shape.run_for;
    run(job, Arc::default(), pending()).await
}
