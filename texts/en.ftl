# Every text of the pages. A test holds each file against the others: the same keys, the same variables, each in use.
# `$count` chooses the form; `$shown` is the number as people write it.

skip = Skip to the content
languages = Languages
yes = yes
try-again = Try again
moment-please = Just a moment
problem-too-many = You are a little too quick for us. Wait a few seconds, then try again.
problem-full = This server has no room left. Please tell whoever runs it.
forged-title = This did not come from here
forged-text = Another site sent this, or your browser does not tell us where it comes from. Nothing was done. Open the page here, and do it there.
forged-back = Open the page
too-large-title = That is too large
no-cookies-title = This browser keeps no cookies
place-unknown = There is no such place here
place-unknown-text = This count has no city, station or box with this code. It may be misspelt, or the link is of another count.
place-all = Results of the whole
round-unknown = There is no such round
round-unknown-text = This poll has no round of this number. The link may be misspelt. The page of the latest round lists all rounds.
round-latest = Results of the latest round
problem-too-large = That is too large for this page. Nothing was taken over; send it in parts.
problem-broke-off = What you sent did not arrive whole, and nothing was taken over. Please send it again.
problem-unavailable = The server cannot answer this right now. Nothing is lost; try again in a moment.
moment = { $day } { $month } { $year }, { $clock } { $zone }
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
removed-title = This poll was removed
removed-text = Whoever ran it has taken it away, with the votes in it: nobody can vote or see results here any more. Ask them whether another one takes its place, or enter another code.
code = Code
go = Go
home-login = For organisers: sign in
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
rehearsal = This is a rehearsal: no vote here is real.
reload-for-newer = Reload the page to see newer results.
live = Live
line-lost = The line is lost; these are the last results received. Trying again…
poll-gone = This poll is no longer there: it was removed.
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
identified-code = Counted by access code, each code once.
identified-roster = Counted by the roster, each person on it once.
identified-device = Each device, or named voter, is counted once; this is not “one person, one vote”.
results-draft = Voting has not opened yet.
results-after-vote = Results are hidden for now: each voter sees them after voting, and all see them once voting is closed.
results-after-close = Results are hidden for now: all see them once voting is closed.
results-on-reveal = Results are hidden for now: all see them when whoever runs this poll reveals them.
hides-after-vote = Hidden from others: until voting is closed, only those who have voted and those with a part in this poll see these results.
hides-others = Hidden from others: only those with a part in this poll see these results now.
results-to-poll = To the poll
results-tie = The first place is shared. No rule to break a tie was fixed before voting, so it stays a tie.
results-rounds = Rounds
results-about = About these results
results-blank = Blank votes
results-last = Last entry counted
results-version = Version
head-choice = Choice
head-votes = Votes
head-of-votes = Of votes
head-of-voters = Of voters
head-points = Points
head-mean = Mean
head-given = Marks
chart-title = When people voted
chart-scale = Each column: { $width }. The highest: { $voters }.
chart-told = { $voters }, from { $first } to { $last }.
chart-own-zone = Times in your own time zone.
chart-late = The picture of when people voted is still being made; reload in a moment.
chart-table = The same as a table
chart-from = From
chart-voters = Voters
chart-so-far = So far
wide-seconds = { $count ->
    [one] { $shown } second
   *[other] { $shown } seconds
  }
wide-minutes = { $count ->
    [one] { $shown } minute
   *[other] { $shown } minutes
  }
wide-hours = { $count ->
    [one] { $shown } hour
   *[other] { $shown } hours
  }
wide-days = { $count ->
    [one] { $shown } day
   *[other] { $shown } days
  }
results-files = Take the results away
ballots-title = Count again
ballots-text = All ballots of this round, as they were filled in: without voters, without times, sorted by what was chosen. In the table each column’s sum is a choice’s total.
ballots-as = Ballots ({ $name })
ballots-recount = With the other file, this counts again in a shell:
ballots-later = Once results are shown and the close is final, anybody can have all ballots, to count them again: what was chosen, never by whom or when.
embed-how = Show these results on another page
embed-how-text = Put this where the results are to stand. They follow by themselves; while they are hidden, they are hidden there too.
embed-look = See how it looks there
embed-open = Open the poll
results-page = All results

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
voted-with-earlier-code = A vote was given with the code that this one replaced. What it chose is not shown.
closed-unvoted-code = Voting is closed. Nobody voted with this access code.
closed-no-code = Voting is closed. Votes were cast with access codes, and this browser has no valid one.
opens-at = Opens { $moment }
closes-at = Closes { $moment }
line-lost-voter = No connection just now. This page catches up by itself.
said-already-voted = This device has already voted, and votes here are final. What counts is shown below.
access-title = Access code
access-text = Voting here takes the access code that you were given. Upper and lower case are the same, and the hyphen may be left out.
access-go = Go on
access-unknown = This is no access code of this poll. Look at each character again: there are ten, and never 0, O, 1, I or L.
access-revoked = This access code was revoked: nobody can vote with it any more. A vote that was counted with it stays. Ask whoever gave it to you.
access-replaced = This access code was replaced by a new one. A vote that was counted with it stays. Ask whoever gave it to you for the new code.
access-other = Use another access code
said-already-voted-code = Somebody has already voted with this access code, and votes here are final. What counts is shown below.
said-contest-closed = Voting closed before your vote arrived, so it was not counted.
said-contest-paused = Voting is paused, so your vote was not counted. Your choice is kept: vote when it opens again.
said-contest-not-open = Voting has not opened yet, so your vote was not counted.
said-superseded = Your vote was changed elsewhere in the meantime. What counts now is shown below.
said-no-voter = This browser keeps no cookies, so it cannot vote. Allow cookies for this page, or use another browser.
said-too-few-choices = Choose more before you vote.
said-too-few-scores = Give points to at least one choice before you vote.
said-too-many-choices = You have chosen too many. Take some back before you vote.
said-score-out-of-range = One of your numbers is outside the allowed range.
said-unknown-choice = A new round has begun. Here is its ballot.
said-other = Your vote was not counted. Please try again.

## The screen
close = Close
screen-hidden = Results are hidden until they are revealed.
screen-draft = Voting has not opened yet. Scan the code to be ready.
screen-join = How to vote
screen-qr = QR code of this poll’s address
screen-full = Full screen
screen-large-qr = Large QR code
screen-keys = Keys
screen-rounds = Earlier and later rounds
screen-this-help = This list
screen-unreachable = Phones cannot reach this address: it is this machine’s own.
screen-start-with = Start the server with:
screen-reveal = Reveal
joined = { $count ->
    [one] { $shown } has joined
   *[other] { $shown } have joined
  }

## Election night
night-status-counting = Counting
night-status-complete = All boxes are final
night-status-certified = Certified
night-status-draft = In preparation
night-status-rehearsal = Rehearsal
night-boxes-of = { $reported } of { $expected } boxes
night-boxes-so-far = { $count ->
    [one] { $shown } box so far
   *[other] { $shown } boxes so far
  }
night-cast = { $count ->
    [one] { $shown } ballot cast
   *[other] { $shown } ballots cast
  }
night-blank = { $count ->
    [one] { $shown } blank
   *[other] { $shown } blank
  }
night-invalid = { $count ->
    [one] { $shown } invalid
   *[other] { $shown } invalid
  }
night-turnout = turnout { $number }
night-turnout-over = turnout { $number } – more ballots than registered voters
night-turnout-unknown = turnout – (registered voters are not known everywhere)
night-as-of = as of { $moment }
night-hides = Hidden from others: only those with a part in this election see these results now.
night-stale = Newer reports than these may have been counted.
night-units = By unit
night-unit = Unit
night-boxes = Boxes
night-ahead = Ahead
night-by = By
one-level-up = One level up

## Signing in
login-title = Sign in
login-name = Login name
login-button = Sign in
login-wrong = This login name and this password do not belong together. Check both, then try again.
login-wait = { $count ->
    [one] Too many wrong passwords for this name. Try again in a minute.
   *[other] Too many wrong passwords for this name. Try again in { $shown } minutes.
  }
login-lost = Password lost? Ask whoever runs this server for a link to a new one.
logout-button = Sign out
password = Password
password-new = New password
password-again = New password, once more
password-present = Present password
password-hint = At least 8 characters; four words that you can remember are better than one that you cannot.
password-short = { $count ->
    [one] The password needs at least { $shown } character.
   *[other] The password needs at least { $shown } characters.
  }
password-long = { $count ->
    [one] The password may have at most { $shown } character.
   *[other] The password may have at most { $shown } characters.
  }
password-name = The password must not be the login name.
password-common = Everybody tries this password first. Choose another one, such as four words.
password-differs = The two passwords are not the same.
password-title = Change your password
password-change = Change the password
password-changed = Your password is changed. All other browsers are signed out.
present-wrong = This is not your present password.
name-hint = What you will sign in with; an e-mail address is fine. Upper and lower case are the same.
name-empty = Please choose a login name.
name-long = { $count ->
    [one] The login name may have at most { $shown } character.
   *[other] The login name may have at most { $shown } characters.
  }
name-forbidden = The login name must not contain line breaks or control characters.
name-taken = Somebody has this name already. Choose another one.
welcome-title = Welcome
welcome-text = You are the first one here. Choose a name and a password, and you run this server: you can do everything, and invite others.
join-title = You are invited
join-text = Choose a name and a password, and you can run polls here.
sign-up-title = Create an account
reset-title = A new password
reset-text = Choose a new password for { $name }. All browsers that are signed in with the old one are signed out.
link-gone-title = This link is not good any more
link-gone-text = It was used, taken back, or has run out. Ask whoever gave it to you for a new one.
no-part-title = Not for you
owners-only-text = You are signed in as { $name }, and have a part in this, but this page is for owners only. Ask one of them, or sign in as somebody else.
hosts-only-text = You are signed in as { $name }, and may see the results, but this page is for those who run this. Ask an owner to let you help, or sign in as somebody else.
no-part-text = You are signed in as { $name }, and have no part in this. Ask an owner to add you, or sign in as somebody else.

## The account
account-title = Your account
account-name = You are signed in as { $name }.
sessions-title = Where you are signed in
session-agent = Browser
session-since = Since
session-seen = Last seen
session-this = this one
session-end = Sign out there
sessions-end-others = Sign out everywhere else
sessions-ended = { $count ->
    [one] { $shown } other browser is signed out.
   *[other] { $shown } other browsers are signed out.
  }
agent-unknown = An unnamed browser
actions = Actions
change-role = Change
remove = Remove
revoke = Revoke
revoked-at = revoked { $moment }
never = never
made-at = Made
made-by = By
used-last = Last used
good-until = Good until
operator = the operator
shown-once = Copy it now: it cannot be shown again.
tokens-title = API tokens
tokens-text = A token lets a program act without you. Whoever has it can do all that its scopes say.
token-new = New token
token-name = Name
token-scopes = Scopes
token-make = Make the token
token-unnamed = Give the token a name.
token-unscoped = Choose at least one scope.
token-revoked = No token was made: this form made one before, and that was revoked.
tokens-made = All tokens
invitations-title = Invitations
invitations-text = Each link makes one account, within seven days.
invitation-make = Make an invitation
invitation-link = Invitation
invitations-waiting = Waiting for somebody
invitations-full = Too many invitations wait for somebody. Take some back first.
withdraw = Take back

## Who takes part
people-title = People
members-title = Who takes part
members-none = Nobody yet: a token made this.
member-add = Add a person
member-hint = The person needs an account first.
members-full = This election has { $shown } members, which is as many as it may have.
person-unknown = Nobody here is called { $name }.
last-owner = An election needs an owner. Make somebody else one first.
role = Part
role-owner = Owner
role-co-host = Co-host
role-viewer = Viewer
role-of = Part of { $name }
remove-person = Remove { $name }, { $role }
cohost-title = Co-host
cohost-links = Co-host links
cohost-text = Whoever opens such a link helps with this election, without an account. Revoked, it lets nobody in, and whoever is in by it is out.
cohost-make = Make a link
cohost-made = Show it to your co-host now: it cannot be shown again.
cohost-link = Co-host link
cohost-qr = The link as a QR code
cohost-asks = You are asked to help with this. Your part: { $role }.
cohost-signed-in = You are signed in here as { $name }; if you go on, you are signed out of that.
cohost-button = Help with this
link-sessions = { $count ->
    [one] { $shown } browser is in by it
   *[other] { $shown } browsers are in by it
  }
link-revoked = No link was made: this form made one before, and that was revoked.
links-full = This election has { $shown } co-host links, which is as many as it may have. Revoke one first.

## Making a poll
new-title = A new poll
new-make = Make the poll
edit-title = Edit the poll
edit-save = Save
poll-title = The question
poll-choices = The choices
poll-choices-hint = In the order in which voters read them. Empty fields do not count.
poll-choices-many = Many choices at once
poll-choices-many-hint = One a line; they are added to those above.
choice-add = One more choice
choice-number = Choice { $number }
choice-up = Move choice { $number } up
choice-down = Move choice { $number } down
choice-away = Take choice { $number } away
poll-method = How people vote
method-single = One choice
method-approval = Several choices
method-fewest = At least
method-most = At most
method-all = all
method-score = Points for each choice
method-high = Best mark
poll-changeable = People may change their vote until it closes
poll-visibility = Who sees results
visibility-after-vote = Each voter after the own vote, and all after the close
visibility-on-reveal = Nobody until you reveal them
visibility-after-close = All, once it is closed
visibility-always = All, at any time
poll-access = Who may vote
access-device = Anybody, once with each device.
access-device-hint = Quick; not one person, one vote.
access-codes = Whoever has an access code, once with each code.
access-codes-hint = You print codes with QR codes and hand them out; one code, one vote, on any device.
access-roster = People on your list, each once.
access-roster-hint = You give names, and each gets an access code of their own. The list never shows what anybody voted.
poll-ballots = Show all ballots afterwards
poll-ballots-hint = Once results are shown and the close is final, anybody can take them and count again: what was chosen, never by whom or when. Voters are told before they vote.
poll-times = Open and close by itself
poll-times-hint = Leave empty what you do yourself.
poll-opens = Opens
poll-closes = Closes
poll-zone = Time zone of these times
poll-look = Colour and address
poll-coloured = A colour of its own
poll-accent = Colour
poll-slug = A short address of your own
poll-slug-hint = Beside the code: 3 to 64 small letters, digits and hyphens, such as town-hall.
poll-frozen = All of this can be edited until voting opens for the first time. After that only the title can be corrected.
wrong-look = Something is not right yet; it is marked below.
wrong-title = The question needs 1 to 200 characters.
wrong-choice = Choice { $number } cannot be used: a choice has 1 to 200 characters.
wrong-choice-repeated = Choice { $number } is there twice.
wrong-choices-few = One choice is not a choice: give at least two.
wrong-choices-many = These are too many choices: a poll has at most 200.
wrong-bounds = These numbers do not fit: at least must not be more than at most, nor at most more than there are choices; marks go up to 100.
wrong-slug = This address cannot be used, or somebody has it already. Choose another one, or leave it empty.
wrong-accent = This is no colour.
wrong-times = These times do not fit: it must close in the future, and after it opens.
wrong-zone = There is no time zone of this name. One is Europe/London, another America/Toronto.
wrong-opened = Voting was opened meanwhile, so this cannot be edited any more.
wrong-edited = Somebody else has edited or removed it meanwhile. Open it again to see how it is now.
wrong-other = This could not be saved. Look at all fields, and try again.

## Who may vote
codes-title = Access codes
codes-text = A code is one vote, on any number of devices. Codes are shown once, when they are made, and never again.
codes-none = There is no access code yet, so nobody can vote.
codes-made = { $count ->
    [one] { $shown } code made
   *[other] { $shown } codes made
  }
codes-revoked = { $count ->
    [one] { $shown } of them revoked
   *[other] { $shown } of them revoked
  }
codes-unreachable = Phones cannot reach this server, so the links and QR codes lead nowhere. Set its public address before you print any.
codes-make = Make codes
codes-count = How many
codes-count-hint = 1 to 50,000. Up to 500 can be a sheet of cards to print; more come as a CSV file.
codes-count-wrong = Give a number from 1 to 50,000.
codes-full = These would be too many: a poll has at most 200,000 access codes.
codes-as-sheet = Make a sheet to print
codes-as-file = Make a CSV file
codes-revoke = Revoke a code
codes-number = Number
codes-revoke-hint = It stands on the card. Nobody can vote with the code any more, and this cannot be undone; a vote that was counted with it stays.
codes-revoke-done = Code { $number } is revoked.
codes-revoke-unknown = There is no code with this number.
sheet-title = { $count ->
    [one] { $shown } new access code
   *[other] { $shown } new access codes
  }
sheet-title-again = { $count ->
    [one] { $shown } access code
   *[other] { $shown } access codes
  }
sheet-once = Print them or save them now: no other page shows them.
sheet-save-once = Save them now: no other page shows them.
sheet-again = Nothing new was made: this form was sent before, and these are its codes. For more of them, go back with Done and make them there.
sheet-gone = { $count ->
    [one] { $shown } code of these was revoked or replaced since, and is left out.
   *[other] { $shown } codes of these were revoked or replaced since, and are left out.
  }
sheet-many = A sheet to print has at most { $shown } cards, so these come as a CSV file only.
sheet-none = None of these access codes is good any more
sheet-print-hint = Ten cards fit on a sheet of A4 or Letter paper.
sheet-print = Print
sheet-save = Save as a CSV file
sheet-back = Done
card-number = No. { $number }
roster-title = Roster
roster-none = Nobody is on the roster yet, so nobody can vote.
roster-listed = { $count ->
    [one] { $shown } person listed
   *[other] { $shown } people listed
  }
roster-add = Add people
roster-persons = Names and e-mail addresses
roster-persons-hint = Paste a CSV table: its first line is name,email, and each other line is one person. The e-mail may be empty; nothing is ever sent to it. Up to 500 people at once can be a sheet of cards to print; more come as a CSV file.
roster-file = Or choose a CSV file with the same columns
roster-as-file = Add them, and make a CSV file of their codes
roster-as-sheet = Add them, and make a sheet to print
roster-list = Who is listed
roster-more = More
roster-search = Search by name, e-mail or number
roster-found = { $count ->
    [0] Nobody on the roster has these words.
    [one] { $shown } person found
   *[other] { $shown } people found
  }
roster-all = Show all
roster-relist = List again
roster-relist-of = List again: { $name }
roster-relist-hint = They get a new code, and the revoked one stays so. Both are one voter: a vote that was counted before stays, and counts once.
roster-replace = New code
roster-replace-of = New code for { $name }
roster-replace-hint = For who has lost the code: the old one stops to work at once. A vote that was counted with it stays, and counts once.
roster-replaced = No code was made: another one has taken the place of this one since.
roster-revoke-of = Revoke the code of { $name }
roster-revoke-hint = Nobody can vote with it any more; a vote that was counted with it stays. You can list the person again later, with a new code.
roster-wrong = Nobody was added: something is not right yet in these lines.
roster-columns = Nobody was added: the first line must be name,email, with commas, semicolons or tabs between the columns.
roster-nobody = There is nobody in this list.
roster-full = These are too many people at once: add at most 50,000, and a poll has at most 200,000.
roster-excel = Nobody was added: this is an Excel file. Open it, save it as “CSV UTF-8”, and choose that file.
roster-moved = Somebody else changes this roster just now. Nobody was added; please try again.
roster-both = Nobody was added: there are names in the field and a file was chosen; send one of the two.
roster-line = Line { $number }:
fault-empty = the name is missing.
fault-long = this is longer than 200 characters.
fault-repeated = this person is listed twice, with the same e-mail address or without any; another one of this name needs an address of their own.
fault-listed = this person is listed already, with the same e-mail address or without any; another one of this name needs an address of their own. Whose code was revoked is listed again by the button in the list.
fault-columns = this line has more or fewer columns than the first one.
fault-encoding = this is not UTF-8; save the file as “CSV UTF-8”, then choose it again.
fault-characters = there are characters here that no name or address has.
person-email = E-mail
person-state = State
person-voted = has voted
person-revoked = revoked
person-revoked-voted = revoked, has voted

## Running a poll
host-title = Console
host-votes-at = People vote at
host-screen = The big screen
host-results = Results
host-people = Who takes part
host-edit = Edit
host-earlier = Earlier rounds
round-shown = Shown to all
round-hidden = Hidden from others
host-now = How it goes
host-health-note = As this server sees it.
act-open = Open voting
act-continue = Go on voting
act-pause = Pause
act-close = Close voting
act-reopen = Undo the close
act-reveal = Show the results to all
act-reveal-round = Show the results of round { $number } to all
act-publish = Publish all ballots
act-round = Begin a new round
ask-close = No more votes will count. You can undo this while results are not shown to all.
ask-close-after-vote = No more votes will count, and all will see the results. You can undo the close until it is made final or a new round begins.
ask-close-always = No more votes will count. You can undo the close until it is made final or a new round begins.
ask-close-revealed = No more votes will count. The results were shown to all, so this cannot be undone.
ask-close-shows = No more votes will count, and all will see the results. This cannot be undone.
ask-reveal = All will see the results, here and on the screen. This cannot be undone.
ask-reveal-round = All will see the results of round { $number }, and of no other one. This cannot be undone.
ask-publish = Anybody can then have all ballots, to count them again. The close cannot be undone any more.
ask-round = The same question is asked again under the same code, from zero. This round stays in the record.
yes-do = Yes: { $act }
health-joined = Devices that have come
health-joining = New devices a minute
health-per-second = Votes a second
health-repeated = Sent again, counted once
health-turned-away = Second votes turned away
health-p50 = Half of the answers within
health-p99 = 99 of 100 answers within
health-watchers = Watching now
health-checked = Ledger and totals
milliseconds = { $number } ms
host-checked = { $count ->
    [one] equal, checked { $shown } second ago
   *[other] equal, checked { $shown } seconds ago
  }
host-unchecked = checked within a few seconds
host-more = More
host-retitle = Correct the title
host-retitle-hint = The record keeps the earlier title and why it was changed.
host-reason = Why
host-retitle-do = Correct it
host-clone = Make a copy
host-clone-hint = The same question as a new poll with a code of its own, without votes.
host-rehearse = Rehearse
host-rehearse-hint = A copy that is marked as a rehearsal everywhere. Its votes never mix with the real ones.
host-remove = Remove this poll
host-remove-hint = All votes go, and nobody can bring them back. Type the title to show that you mean this one.
host-remove-do = Remove for ever
host-title-differs = This is not the title of the poll. Nothing was removed.
host-wrong-status = Somebody else was faster: it is as you see it now.
host-revealed = The results were shown to all, so this cannot be undone any more.
host-reason-needed = Give a title and a reason, each of 1 to 200 characters.
host-refused = This could not be done. Look at how it stands now, and try again.
rehearsal-note = This is a rehearsal: no vote here is real.
mine-title = My polls
mine-none = You have no polls yet.
mine-search = Search
mine-search-label = Search by title or code
mine-nothing = Nothing here has these words.
mine-more = Older ones
