# Every text of the pages. A test holds each file against the others: the same keys, the same variables, each in use.
# `$count` chooses the form; `$shown` is the number as people write it.

skip = Skip to the content
languages = Languages
yes = yes
try-again = Try again
moment-please = Just a moment
not-yet = This page is not there yet. The live results are one tap away.
live-results = Live results
problem-too-many = You are a little too quick for us. Wait a few seconds, then try again.
problem-full = This server has no room left. Please tell whoever runs it.
problem-unavailable = The server cannot answer this right now. Nothing is lost; try again in a moment.
moment = { $day } { $month } { $year }, { $clock } UTC
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## Home
home-title = Enter your code
home-text = It has six characters and stands beside the QR code.
unknown-title = There is nothing here
unknown-text = Check the code or the link you were given. Codes have six characters and never contain 0, O, 1, I or L.
code = Code
go = Go
api-link = For developers: the API

## The API
api-title = The API of Hustings
api-text = Errors are application/problem+json with a stable code, a sentence for people, and a pointer to the field. The whole contract as a document:
api-create = Create a poll
api-vote = Vote
api-operations = All operations
api-method = Method
api-address = Address
api-does = What it does
api-token = Token
api-answers = Answers

## Where a contest stands
status-draft = Not open yet
status-open = Open
status-paused = Paused
status-closed = Closed
status-archived = Earlier round
status-certified = Certified
round = Round { $number }

## Results
results = Results
results-hidden = Results are hidden for now. They appear here when they are shown.
reload-for-newer = Reload the page to see newer results.
live = Live
line-lost = The line is lost; these are the last results received. Trying again…
voters = { $count ->
    [one] { $shown } voter
   *[other] { $shown } voters
  }
leads = Most votes
tied = Tied
mean = mean { $number }
unit-points = Points, and the mean score.
unit-voters = Percentages of voters: each could choose several.
unit-votes = Percentages of votes.
identified-device = Each device, or named voter, is counted once; this is not “one person, one vote”.

results-page = All results, and downloads

## Voting
choose-one = Choose one.
choose-exactly = { $count ->
    [one] Choose { $shown }.
   *[other] Choose exactly { $shown }.
  }
choose-any = Choose as many as you like.
choose-any-or-none = Choose as many as you like, or none.
choose-up-to = { $count ->
    [one] Choose one, or none.
   *[other] Choose up to { $shown }, or none.
  }
choose-some = Choose { $min } to { $max }.
choose-likes = Mark every one that you like.
choose-scores = Give points from { $min } to { $max }; { $max } is the best. You may leave some out.
vote = Vote
vote-change = Vote again
vote-paused = Voting is paused. Your choice is kept; go on when it opens again.
change = Change my vote
you-voted-for = You voted for { $choice }.
you-voted-blank = You cast a blank vote.
you-scored = Your points: { $choice }.
list = { $first } and { $last }
counted = Counted.
counted-number = Counted, as number { $number } in the record.
sending = Sending…
unsure = Sent, not yet confirmed. Your choice is kept and sent again by itself; it cannot count twice.
offline = You are offline. Your choice is kept and will be sent by itself when the line is back.
waiting = Voting has not opened yet. Keep this page: it opens by itself.
closed-voted = Voting is closed. Your vote was counted.
closed-unvoted = Voting is closed. This device did not vote.
opens-at = Opens { $moment }
closes-at = Closes { $moment }
line-lost-voter = No connection just now. This page catches up by itself.
said-already-voted = This device has already voted, and votes here are final. What counts is shown below.
said-contest-closed = Voting closed before your vote arrived, so it was not counted.
said-contest-paused = Voting is paused, so your vote was not counted. Your choice is kept: vote when it opens again.
said-contest-not-open = Voting has not opened yet, so your vote was not counted.
said-superseded = Your vote was changed elsewhere in the meantime. What counts now is shown below.
said-no-voter = This browser keeps no cookies, so it cannot vote. Allow cookies for this page, or use another browser.
said-too-few-choices = Choose more before you vote.
said-too-many-choices = You have chosen too many. Take some back before you vote.
said-score-out-of-range = One of your numbers is outside the allowed range.
said-unknown-choice = A new round has begun. Here is its ballot.
said-other = Your vote was not counted. Please try again.

## Election night
night-status-counting = Counting
night-status-complete = All boxes are final
night-status-certified = Certified
night-status-draft = In preparation
night-status-rehearsal = Rehearsal
night-boxes-of = { $reported } of { $expected } boxes
night-cast = { $count ->
    [one] { $shown } ballot cast
   *[other] { $shown } ballots cast
  }
night-blank = { $number } blank
night-invalid = { $number } invalid
night-turnout = turnout { $number }
night-as-of = as of { $moment }
night-rehearsal = This is a rehearsal: no vote here is real.
night-stale = Newer reports than these may have been counted.
night-units = By unit
night-unit = Unit
night-boxes = Boxes
night-ahead = Ahead
night-by = By
one-level-up = One level up
