# Tous les textes des pages. Un test compare les fichiers entre eux : mêmes clés, mêmes variables, toutes utilisées.
# `$count` choisit la forme ; `$shown` est le nombre tel qu’on l’écrit.
#
# Un mot par chose. L’objet (poll, election) : scrutin. L’action (voting) : le vote, ouvert puis clos. Ce qui compte pour un
# choix : voix. Ce qu’une personne fait et peut changer : vote. Le papier (ballot) : bulletin. Le compte des urnes : dépouillement.
# De même : tour, liste électorale, masqué, entrée du registre ; dévoiler, ou montrer à tous.
# Une espace fine insécable (U+202F) se met devant les signes doubles et dans les guillemets.

skip = Aller au contenu
languages = Langues
yes = oui
try-again = Réessayer
moment-please = Un instant
problem-too-many = Vous allez un peu trop vite pour nous. Attendez quelques secondes, puis réessayez.
problem-full = Ce serveur n’a plus de place. Prévenez la personne qui s’en occupe.
forged-title = Cela ne vient pas d’ici
forged-text = Un autre site a envoyé ceci, ou votre navigateur ne nous dit pas d’où cela vient. Rien n’a été fait. Ouvrez la page ici, et faites-le depuis elle.
forged-back = Ouvrir la page
too-large-title = C’est trop volumineux
no-cookies-title = Ce navigateur ne garde pas les cookies
place-unknown = Ce lieu n’existe pas ici
place-unknown-text = Ce dépouillement n’a ni ville, ni bureau, ni urne portant ce code. Il est peut-être mal écrit, ou le lien vient d’un autre dépouillement.
place-all = Résultats de l’ensemble
round-unknown = Ce tour n’existe pas
round-unknown-text = Ce scrutin n’a pas de tour de ce numéro. Le lien est peut-être mal écrit. La page du dernier tour les indique tous.
round-latest = Résultats du dernier tour
problem-too-large = C’est trop volumineux pour cette page. Rien n’a été enregistré ; envoyez-le en plusieurs parties.
problem-broke-off = Votre envoi n’est pas arrivé en entier, et rien n’a été enregistré. Veuillez le renvoyer.
problem-unavailable = Le serveur ne peut pas répondre pour le moment. Rien n’est perdu ; réessayez dans un instant.
moment = { $day } { $month } { $year } à { $clock } { $zone }
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre

## Home
home-title = Saisissez votre code
home-text = Il compte six caractères et se trouve à côté du code QR.
unknown-title = Il n’y a rien ici
unknown-text = Vérifiez le code ou le lien qu’on vous a donné. Un code compte six caractères et ne contient jamais 0, O, 1, I ni L.
removed-title = Ce scrutin a été supprimé
removed-text = Ceux qui l’organisaient l’ont retiré, avec les voix qu’il contenait : on ne peut plus y voter ni en voir les résultats. Demandez-leur si un autre le remplace, ou entrez un autre code.
code = Code
go = Continuer
home-login = Vous organisez ? Connectez-vous
api-link = Pour les développeurs : l’API

## The API
api-title = L’API de Hustings
api-text = Les erreurs sont en application/problem+json, avec un code stable, une phrase pour les personnes et un pointeur vers le champ. Le contrat entier, en un seul document :
api-create = Créer un scrutin
api-vote = Voter
api-operations = Toutes les opérations
api-method = Méthode
api-address = Adresse
api-does = Ce qu’elle fait
api-token = Jeton
api-answers = Réponses

## Where a contest stands
status-draft = Pas encore ouvert
status-open = Ouvert
status-paused = En pause
status-closed = Clos
status-archived = Tour précédent
status-certified = Certifié
round = Tour { $number }

## Results
results = Résultats
results-hidden = Les résultats sont masqués pour le moment. Ils apparaîtront ici dès qu’ils seront dévoilés.
rehearsal = Ceci est une répétition : aucune voix n’est réelle.
reload-for-newer = Rechargez la page pour voir les résultats plus récents.
live = En direct
line-lost = La connexion est perdue ; voici les derniers résultats reçus. Nouvel essai…
poll-gone = Ce scrutin n’est plus là : il a été supprimé.
voters = { $count ->
    [one] { $shown } votant
   *[other] { $shown } votants
  }
leads = Le plus de voix
tied = À égalité
mean = moyenne { $number }
unit-points = Points, et note moyenne.
unit-voters = Pourcentages des votants : chacun pouvait faire plusieurs choix.
unit-votes = Pourcentages des voix.
identified-code = Voix comptées par code d’accès, une fois par code.
identified-roster = Voix comptées d’après la liste électorale, une fois par personne.
identified-device = Chaque appareil, ou votant nommé, compte une fois ; ce n’est pas « une personne, une voix ».
results-draft = Le vote n’est pas encore ouvert.
results-after-vote = Les résultats sont masqués pour le moment : chacun les voit après avoir voté, et tous les verront quand le vote sera clos.
results-after-close = Les résultats sont masqués pour le moment : tous les verront quand le vote sera clos.
results-on-reveal = Les résultats sont masqués pour le moment : tous les verront quand la personne qui organise ce scrutin les dévoilera.
hides-after-vote = Masqué aux autres : jusqu’à la clôture, seuls ceux qui ont voté et ceux qui ont un rôle dans ce scrutin voient ces résultats.
hides-others = Masqué aux autres : seuls ceux qui ont un rôle dans ce scrutin voient ces résultats pour l’instant.
results-to-poll = Aller au scrutin
results-tie = La première place est partagée. Aucune règle de départage n’a été fixée avant le vote ; l’égalité demeure.
results-rounds = Tours
results-about = À propos de ces résultats
results-blank = Bulletins blancs
results-last = Dernière entrée comptée
results-version = Version
head-choice = Choix
head-votes = Voix
head-of-votes = Part des voix
head-of-voters = Part des votants
head-points = Points
head-mean = Moyenne
head-given = Notes
chart-title = Quand on a voté
chart-scale = Chaque colonne : { $width }. La plus haute : { $voters }.
chart-told = { $voters }, du { $first } au { $last }.
chart-own-zone = Heures de votre fuseau horaire.
chart-late = Le graphique des heures de vote est encore en préparation ; rechargez dans un instant.
chart-table = Les mêmes chiffres en tableau
chart-from = À partir de
chart-voters = Votants
chart-so-far = Cumul
wide-seconds = { $count ->
    [one] { $shown } seconde
   *[other] { $shown } secondes
  }
wide-minutes = { $count ->
    [one] { $shown } minute
   *[other] { $shown } minutes
  }
wide-hours = { $count ->
    [one] { $shown } heure
   *[other] { $shown } heures
  }
wide-days = { $count ->
    [one] { $shown } jour
   *[other] { $shown } jours
  }
results-files = Emporter les résultats
ballots-title = Recompter
ballots-text = Tous les bulletins de ce tour, tels qu’ils ont été remplis : sans nom de votant, sans heure, triés selon ce qui a été choisi. Dans le tableau, la somme de chaque colonne est le total d’un choix.
ballots-as = Bulletins ({ $name })
ballots-recount = Avec l’autre fichier, cette commande recompte dans un terminal :
ballots-later = Quand les résultats seront montrés et la clôture définitive, chacun pourra obtenir tous les bulletins pour recompter : ce qui a été choisi, jamais par qui ni quand.
embed-how = Montrer ces résultats sur une autre page
embed-how-text = Mettez ceci là où les résultats doivent figurer. Ils se mettent à jour d’eux-mêmes ; tant qu’ils sont masqués, ils le sont là aussi.
embed-look = Voir ce que cela donne
embed-open = Aller au scrutin
results-page = Tous les résultats

## Voting
choose-one = Choisissez une réponse.
choose-exactly = { $count ->
    [one] Choisissez { $shown } réponse.
   *[other] Choisissez exactement { $shown } réponses.
  }
choose-any = Choisissez autant de réponses que vous voulez.
choose-any-or-none = Choisissez autant de réponses que vous voulez, ou aucune.
choose-up-to = { $count ->
    [one] Choisissez une réponse, ou aucune.
   *[other] Choisissez au plus { $shown } réponses, ou aucune.
  }
choose-some = Choisissez de { $min } à { $max } réponses.
choose-likes = Cochez tout ce que vous aimez.
choose-scores = Donnez des points de { $min } à { $max } ; { $max } est le mieux. Vous pouvez en omettre.
vote = Voter
vote-change = Voter de nouveau
vote-paused = Le vote est en pause. Votre choix est gardé ; continuez quand il rouvrira.
change = Changer mon vote
you-voted-for = Vous avez voté pour { $choice }.
you-voted-blank = Vous avez voté blanc.
you-scored = Vos points : { $choice }.
list = { $first } et { $last }
counted = Compté.
counted-number = Compté, sous le numéro { $number } du registre.
sending = Envoi…
unsure = Envoyé, pas encore confirmé. Votre choix est gardé et sera renvoyé de lui-même ; il ne peut pas compter deux fois.
offline = Vous êtes hors ligne. Votre choix est gardé et partira de lui-même au retour de la connexion.
waiting = Le vote n’est pas encore ouvert. Gardez cette page : elle s’ouvrira d’elle-même.
closed-voted = Le vote est clos. Votre voix a été comptée.
closed-unvoted = Le vote est clos. Cet appareil n’a pas voté.
voted-with-earlier-code = On a voté avec le code que celui-ci remplace. Ce qui a été choisi n’est pas affiché.
closed-unvoted-code = Le vote est clos. Personne n’a voté avec ce code d’accès.
closed-no-code = Le vote est clos. On votait avec un code d’accès, et ce navigateur n’en a pas de valable.
opens-at = Ouverture le { $moment }
closes-at = Clôture le { $moment }
line-lost-voter = Pas de connexion pour le moment. Cette page se remettra à jour d’elle-même.
said-already-voted = Cet appareil a déjà voté, et les votes sont ici définitifs. Ce qui compte est affiché ci-dessous.
access-title = Code d’accès
access-text = Pour voter ici, il faut le code d’accès que vous avez reçu. Majuscules et minuscules se valent, et le trait d’union est facultatif.
access-go = Continuer
access-unknown = Ce n’est pas un code d’accès de ce scrutin. Vérifiez chaque caractère : il y en a dix, et jamais 0, O, 1, I ni L.
access-revoked = Ce code d’accès a été révoqué : plus personne ne peut voter avec lui. Une voix déjà comptée le reste. Adressez-vous à qui vous l’a donné.
access-replaced = Ce code d’accès a été remplacé par un nouveau. Une voix déjà comptée le reste. Demandez le nouveau code à qui vous l’a donné.
access-other = Prendre un autre code d’accès
said-already-voted-code = On a déjà voté avec ce code d’accès, et les votes sont ici définitifs. Ce qui compte est affiché ci-dessous.
said-contest-closed = Le vote a été clos avant l’arrivée de votre voix ; elle n’a pas été comptée.
said-contest-paused = Le vote est en pause ; votre voix n’a pas été comptée. Votre choix est gardé : votez quand il rouvrira.
said-contest-not-open = Le vote n’est pas encore ouvert ; votre voix n’a pas été comptée.
said-superseded = Votre vote a été changé ailleurs entre-temps. Ce qui compte maintenant est affiché ci-dessous.
said-no-voter = Ce navigateur ne garde pas les cookies et ne peut donc pas voter. Autorisez-les pour cette page, ou prenez un autre navigateur.
said-too-few-choices = Choisissez plus de réponses avant de voter.
said-too-few-scores = Donnez des points à au moins une réponse avant de voter.
said-too-many-choices = Vous avez choisi trop de réponses. Retirez-en avant de voter.
said-score-out-of-range = L’un de vos nombres est hors des limites permises.
said-unknown-choice = Un nouveau tour a commencé. Voici son bulletin.
said-other = Votre voix n’a pas été comptée. Veuillez réessayer.

## The screen
close = Fermer
screen-hidden = Les résultats sont masqués jusqu’à leur dévoilement.
screen-draft = Le vote n’est pas encore ouvert. Scannez le code pour être prêt.
screen-join = Comment voter
screen-qr = Code QR de l’adresse de ce scrutin
screen-full = Plein écran
screen-large-qr = Grand code QR
screen-keys = Touches
screen-rounds = Tours précédents et suivants
screen-this-help = Cette liste
screen-unreachable = Les téléphones ne peuvent pas joindre cette adresse : c’est celle de cette machine.
screen-start-with = Démarrez le serveur avec :
screen-reveal = Dévoiler
joined = { $count ->
    [one] { $shown } appareil présent
   *[other] { $shown } appareils présents
  }

## Election night
night-status-counting = Dépouillement en cours
night-status-complete = Toutes les urnes ont leur résultat définitif
night-status-certified = Certifié
night-status-draft = En préparation
night-status-rehearsal = Répétition
night-boxes-of = urnes : { $reported } sur { $expected }
night-boxes-so-far = { $count ->
    [one] { $shown } urne pour l’instant
   *[other] { $shown } urnes pour l’instant
  }
night-cast = { $count ->
    [one] { $shown } bulletin déposé
   *[other] { $shown } bulletins déposés
  }
night-blank = { $count ->
    [one] { $shown } blanc
   *[other] { $shown } blancs
  }
night-invalid = { $count ->
    [one] { $shown } nul
   *[other] { $shown } nuls
  }
night-turnout = participation de { $number }
night-turnout-over = participation de { $number } – plus de bulletins que de personnes inscrites
night-turnout-unknown = participation – (le nombre de personnes inscrites n’est pas connu partout)
night-as-of = état au { $moment }
night-hides = Masqué aux autres : seuls ceux qui ont un rôle dans cette élection voient ces résultats pour l’instant.
night-stale = Des procès-verbaux plus récents ont peut-être été comptés.
night-units = Par unité
night-unit = Unité
night-boxes = Urnes
night-ahead = En tête
night-by = Avance
one-level-up = Niveau supérieur

## Signing in
login-title = Se connecter
login-name = Identifiant
login-button = Se connecter
login-wrong = Cet identifiant et ce mot de passe ne correspondent pas. Vérifiez les deux, puis réessayez.
login-wait = { $count ->
    [one] Trop de mots de passe erronés pour cet identifiant. Réessayez dans une minute.
   *[other] Trop de mots de passe erronés pour cet identifiant. Réessayez dans { $shown } minutes.
  }
login-lost = Mot de passe perdu ? Demandez un lien à la personne qui s’occupe de ce serveur.
logout-button = Se déconnecter
password = Mot de passe
password-new = Nouveau mot de passe
password-again = Le nouveau mot de passe, encore une fois
password-present = Mot de passe actuel
password-hint = Au moins 8 caractères ; mieux vaut quatre mots que l’on retient qu’un seul que l’on oublie.
password-short = { $count ->
    [one] Il faut au moins { $shown } caractère.
   *[other] Il faut au moins { $shown } caractères.
  }
password-long = { $count ->
    [one] Le mot de passe a au plus { $shown } caractère.
   *[other] Le mot de passe a au plus { $shown } caractères.
  }
password-name = Le mot de passe ne doit pas être l’identifiant.
password-common = Tout le monde essaie ce mot de passe en premier. Choisissez-en un autre, par exemple quatre mots.
password-differs = Les deux mots de passe ne sont pas les mêmes.
password-title = Changer de mot de passe
password-change = Changer le mot de passe
password-changed = Votre mot de passe est changé. Tous les autres navigateurs sont déconnectés.
present-wrong = Ce n’est pas votre mot de passe actuel.
name-hint = Ce qui vous servira à vous connecter ; une adresse électronique convient. Majuscules et minuscules se valent.
name-empty = Choisissez un identifiant.
name-long = { $count ->
    [one] L’identifiant a au plus { $shown } caractère.
   *[other] L’identifiant a au plus { $shown } caractères.
  }
name-forbidden = L’identifiant ne doit contenir ni saut de ligne ni caractère de contrôle.
name-taken = Quelqu’un porte déjà cet identifiant. Choisissez-en un autre.
welcome-title = Bienvenue
welcome-text = Vous êtes la première personne ici. Choisissez un identifiant et un mot de passe, et ce serveur est à vous : vous pouvez tout faire, et inviter d’autres personnes.
join-title = Vous avez reçu une invitation
join-text = Choisissez un identifiant et un mot de passe, et vous pourrez tenir des scrutins ici.
sign-up-title = Créer un compte
reset-title = Un nouveau mot de passe
reset-text = Choisissez un nouveau mot de passe pour { $name }. Tous les navigateurs connectés avec l’ancien sont déconnectés.
link-gone-title = Ce lien n’est plus valable
link-gone-text = Il a servi, il a été repris, ou il a expiré. Demandez-en un nouveau à la personne qui vous l’a donné.
no-part-title = Pas pour vous
owners-only-text = Votre session est celle de { $name }, avec un rôle ici, mais cette page est réservée aux propriétaires. Adressez-vous à l’un d’eux, ou connectez-vous autrement.
hosts-only-text = Votre session est celle de { $name }, qui peut voir les résultats, mais cette page est réservée à ceux qui tiennent ce scrutin. Demandez à un propriétaire de pouvoir aider, ou connectez-vous autrement.
no-part-text = Votre session est celle de { $name }, sans rôle ici. Demandez à un propriétaire de vous ajouter, ou connectez-vous autrement.

## The account
account-title = Votre compte
account-name = Votre session est celle de { $name }.
sessions-title = Vos sessions ouvertes
session-agent = Navigateur
session-since = Depuis
session-seen = Vu pour la dernière fois
session-this = celui-ci
session-end = Y mettre fin
sessions-end-others = Se déconnecter partout ailleurs
sessions-ended = { $count ->
    [one] { $shown } autre navigateur est déconnecté.
   *[other] { $shown } autres navigateurs sont déconnectés.
  }
agent-unknown = Un navigateur sans nom
actions = Actions
change-role = Modifier
remove = Retirer
revoke = Révoquer
revoked-at = révoqué le { $moment }
never = jamais
made-at = Créé
made-by = Par
used-last = Dernier usage
good-until = Valable jusqu’au
operator = l’exploitant
shown-once = Copiez-le maintenant : il ne pourra plus être affiché.
tokens-title = Jetons d’API
tokens-text = Un jeton laisse un programme agir sans vous. Qui le détient peut faire tout ce que disent ses portées.
token-new = Nouveau jeton
token-name = Nom
token-scopes = Portées
token-make = Créer le jeton
token-unnamed = Donnez un nom au jeton.
token-unscoped = Choisissez au moins une portée.
token-revoked = Aucun jeton n’a été créé : ce formulaire en avait créé un, qui a été révoqué.
tokens-made = Tous les jetons
invitations-title = Invitations
invitations-text = Chaque lien crée un compte, dans les sept jours.
invitation-make = Créer une invitation
invitation-link = Invitation
invitations-waiting = En attente de quelqu’un
invitations-full = Trop d’invitations attendent quelqu’un. Reprenez-en d’abord quelques-unes.
withdraw = Reprendre

## Who takes part
people-title = Personnes
members-title = Qui participe
members-none = Personne encore : ce scrutin a été créé par un jeton.
member-add = Ajouter une personne
member-hint = La personne doit d’abord avoir un compte.
members-full = Ce scrutin a { $shown } membres, c’est le maximum.
person-unknown = Personne ici ne s’appelle { $name }.
last-owner = Il faut un propriétaire. Nommez d’abord quelqu’un d’autre.
role = Rôle
role-owner = Propriétaire
role-co-host = Co-animation
role-viewer = Lecture
role-of = Rôle de { $name }
remove-person = Retirer { $name }, { $role }
cohost-title = Co-animation
cohost-links = Liens de co-animation
cohost-text = Qui ouvre un tel lien aide à tenir ce scrutin, sans compte. Une fois révoqué, il n’ouvre plus rien, et qui est entré par lui n’a plus accès.
cohost-make = Créer un lien
cohost-made = Montrez-le maintenant à la personne qui vous aide : il ne pourra plus être affiché.
cohost-link = Lien de co-animation
cohost-qr = Le lien en code QR
cohost-asks = On vous demande de l’aide. Votre rôle : { $role }.
cohost-signed-in = Votre session ici est celle de { $name } ; si vous continuez, elle prendra fin.
cohost-button = Aider
link-sessions = { $count ->
    [one] { $shown } navigateur est entré par lui
   *[other] { $shown } navigateurs sont entrés par lui
  }
link-revoked = Aucun lien n’a été créé : ce formulaire en avait créé un, qui a été révoqué.
links-full = Ce scrutin a { $shown } liens de co-animation, c’est le maximum. Révoquez-en un d’abord.

## Making a poll
new-title = Un nouveau scrutin
new-make = Créer le scrutin
edit-title = Modifier le scrutin
edit-save = Enregistrer
poll-title = La question
poll-choices = Les choix
poll-choices-hint = Dans l’ordre où les votants les lisent. Les champs vides ne comptent pas.
poll-choices-many = Beaucoup de choix à la fois
poll-choices-many-hint = Un par ligne ; ils s’ajoutent à ceux qui précèdent.
choice-add = Un choix de plus
choice-number = Choix { $number }
choice-up = Monter le choix { $number }
choice-down = Descendre le choix { $number }
choice-away = Retirer le choix { $number }
poll-method = Comment on vote
method-single = Un seul choix
method-approval = Plusieurs choix
method-fewest = Au moins
method-most = Au plus
method-all = tous
method-score = Des points pour chaque choix
method-high = Meilleure note
poll-changeable = On peut changer son vote jusqu’à la clôture
poll-visibility = Qui voit les résultats
visibility-after-vote = Chacun après son vote, et tous après la clôture
visibility-on-reveal = Personne avant que vous ne les dévoiliez
visibility-after-close = Tous, après la clôture
visibility-always = Tous, à tout moment
poll-access = Qui peut voter
access-device = Tout le monde, une fois par appareil.
access-device-hint = Rapide ; ce n’est pas « une personne, une voix ».
access-codes = Qui détient un code d’accès, une fois par code.
access-codes-hint = Vous imprimez des codes avec leur code QR et les distribuez ; un code, une voix, sur n’importe quel appareil.
access-roster = Les personnes de votre liste, une fois chacune.
access-roster-hint = Vous donnez les noms, et chaque personne reçoit son propre code d’accès. La liste ne montre jamais qui a voté quoi.
poll-ballots = Montrer tous les bulletins après
poll-ballots-hint = Quand les résultats sont montrés et la clôture définitive, chacun peut obtenir les bulletins et recompter : ce qui a été choisi, jamais par qui ni quand. Les votants en sont avertis avant de voter.
poll-times = Ouvrir et clore à une heure donnée
poll-times-hint = Laissez vide ce que vous faites vous-même.
poll-opens = Ouverture
poll-closes = Clôture
poll-zone = Fuseau horaire de ces heures
poll-look = Couleur et adresse
poll-coloured = Une couleur propre
poll-accent = Couleur
poll-slug = Une adresse courte à vous
poll-slug-hint = En plus du code : 3 à 64 minuscules, chiffres et traits d’union, comme salle-des-fetes.
poll-frozen = Tout cela peut être modifié jusqu’à la première ouverture du vote. Ensuite, seul le titre peut être corrigé.
wrong-look = Quelque chose ne va pas encore ; c’est marqué ci-dessous.
wrong-title = La question doit avoir de 1 à 200 caractères.
wrong-choice = Le choix { $number } ne convient pas : un choix a de 1 à 200 caractères.
wrong-choice-repeated = Le choix { $number } est là deux fois.
wrong-choices-few = Un choix unique n’en est pas un : donnez-en au moins deux.
wrong-choices-many = C’est trop de choix : un scrutin en a au plus 200.
wrong-bounds = Ces nombres ne vont pas ensemble : « au moins » ne dépasse pas « au plus », ni « au plus » le nombre de choix ; les notes vont jusqu’à 100.
wrong-slug = Cette adresse ne convient pas, ou quelqu’un l’a déjà. Choisissez-en une autre, ou laissez-la vide.
wrong-accent = Ce n’est pas une couleur.
wrong-times = Ces heures ne vont pas : la clôture doit être à venir, et après l’ouverture.
wrong-zone = Aucun fuseau horaire n’a ce nom. Il y a par exemple Europe/Paris ou America/Toronto.
wrong-opened = Le vote a été ouvert entre-temps ; on ne peut plus modifier ce scrutin.
wrong-edited = Quelqu’un d’autre a modifié ou supprimé ce scrutin entre-temps. Ouvrez-le de nouveau pour voir où il en est.
wrong-other = Cela n’a pas pu être enregistré. Vérifiez tous les champs et réessayez.

## Who may vote
codes-title = Codes d’accès
codes-text = Un code, c’est une voix, sur n’importe quel nombre d’appareils. Les codes sont affichés une fois, à leur création, puis plus jamais.
codes-none = Il n’y a pas encore de code d’accès : personne ne peut voter.
codes-made = { $count ->
    [one] { $shown } code créé
   *[other] { $shown } codes créés
  }
codes-revoked = { $count ->
    [0] aucun code révoqué
    [one] { $shown } code révoqué
   *[other] { $shown } codes révoqués
  }
codes-unreachable = Les téléphones ne peuvent pas joindre ce serveur : les liens et codes QR ne mènent nulle part. Fixez son adresse publique avant d’imprimer.
codes-make = Créer des codes
codes-count = Combien
codes-count-hint = De 1 à 50 000. Jusqu’à 500, ils peuvent faire une planche de cartes à imprimer ; au-delà, un fichier CSV.
codes-count-wrong = Donnez un nombre de 1 à 50 000.
codes-full = Ce serait trop : un scrutin a au plus 200 000 codes d’accès.
codes-as-sheet = Créer une planche à imprimer
codes-as-file = Créer un fichier CSV
codes-revoke = Révoquer un code
codes-number = Numéro
codes-revoke-hint = Il figure sur la carte. Plus personne ne pourra voter avec ce code, et c’est irréversible ; une voix déjà comptée le reste.
codes-revoke-done = Le code { $number } est révoqué.
codes-revoke-unknown = Aucun code n’a ce numéro.
sheet-title = { $count ->
    [one] { $shown } nouveau code d’accès
   *[other] { $shown } nouveaux codes d’accès
  }
sheet-title-again = { $count ->
    [one] { $shown } code d’accès
   *[other] { $shown } codes d’accès
  }
sheet-once = Imprimez-les ou enregistrez-les maintenant : aucune autre page ne les affiche.
sheet-save-once = Enregistrez-les maintenant : aucune autre page ne les affiche.
sheet-again = Rien de nouveau n’a été créé : ce formulaire avait déjà été envoyé, et voici ses codes. Pour en créer d’autres, revenez avec Terminé.
sheet-gone = { $count ->
    [one] { $shown } de ces codes a été révoqué ou remplacé depuis, et n’y figure plus.
   *[other] { $shown } de ces codes ont été révoqués ou remplacés depuis, et n’y figurent plus.
  }
sheet-many = Une planche à imprimer a au plus { $shown } cartes : ces codes viennent seulement en fichier CSV.
sheet-none = Plus aucun de ces codes d’accès n’est valable
sheet-print-hint = Dix cartes tiennent sur une feuille A4 ou Letter.
sheet-print = Imprimer
sheet-save = Enregistrer en fichier CSV
sheet-back = Terminé
card-number = Nº { $number }
roster-title = Liste électorale
roster-none = La liste est encore vide : personne ne peut voter.
roster-listed = { $count ->
    [one] { $shown } personne inscrite
   *[other] { $shown } personnes inscrites
  }
roster-add = Ajouter des personnes
roster-persons = Noms et adresses électroniques
roster-persons-hint = Collez un tableau CSV : sa première ligne est name,email, et chaque autre ligne une personne. L’adresse peut rester vide ; rien n’y est jamais envoyé. Jusqu’à 500 personnes à la fois peuvent faire une planche de cartes à imprimer ; au-delà, un fichier CSV.
roster-file = Ou choisissez un fichier CSV avec les mêmes colonnes
roster-as-file = Les ajouter, et créer un fichier CSV de leurs codes
roster-as-sheet = Les ajouter, et créer une planche à imprimer
roster-list = Personnes inscrites
roster-more = Suite
roster-search = Chercher par nom, adresse ou numéro
roster-found = { $count ->
    [0] Personne sur la liste ne correspond à ces mots.
    [one] { $shown } personne trouvée
   *[other] { $shown } personnes trouvées
  }
roster-all = Afficher tout le monde
roster-relist = Réinscrire
roster-relist-of = Réinscrire { $name }
roster-relist-hint = Cette personne reçoit un nouveau code, et celui qui a été révoqué le reste. Les deux ne font qu’un électeur : une voix déjà comptée le reste, et ne compte qu’une fois.
roster-replace = Nouveau code
roster-replace-of = Nouveau code pour { $name }
roster-replaced = Aucun code n’a été créé : un autre a pris depuis la place de celui-ci.
roster-replace-hint = Pour qui a perdu le sien : l’ancien code cesse aussitôt de fonctionner. Une voix déjà comptée avec lui le reste, et ne compte qu’une fois.
roster-revoke-of = Révoquer le code de { $name }
roster-revoke-hint = Plus personne ne pourra voter avec ce code ; une voix déjà comptée le reste. Vous pourrez réinscrire la personne plus tard, avec un nouveau code.
roster-wrong = Personne n’a été ajouté : quelque chose ne va pas encore dans ces lignes.
roster-columns = Personne n’a été ajouté : la première ligne doit être name,email, avec des virgules, des points-virgules ou des tabulations entre les colonnes.
roster-nobody = Il n’y a personne dans cette liste.
roster-full = C’est trop de personnes à la fois : ajoutez-en au plus 50 000, et un scrutin en a au plus 200 000.
roster-excel = Personne n’a été ajouté : c’est un fichier Excel. Ouvrez-le, enregistrez-le en « CSV UTF-8 », et choisissez ce fichier.
roster-moved = Quelqu’un d’autre modifie cette liste en ce moment. Personne n’a été ajouté ; veuillez réessayer.
roster-both = Personne n’a été ajouté : il y a des noms dans le champ et un fichier a été choisi ; envoyez l’un des deux.
roster-line = Ligne { $number } :
fault-empty = il manque le nom.
fault-long = c’est plus long que 200 caractères.
fault-repeated = cette personne figure deux fois, avec la même adresse ou sans adresse ; un homonyme doit avoir une adresse à lui.
fault-listed = cette personne est déjà inscrite, avec la même adresse ou sans adresse ; un homonyme doit avoir une adresse à lui. Qui a un code révoqué est réinscrit par le bouton de la liste.
fault-columns = cette ligne a plus ou moins de colonnes que la première.
fault-encoding = ce n’est pas de l’UTF-8 ; enregistrez le fichier en « CSV UTF-8 », puis choisissez-le à nouveau.
fault-characters = il y a ici des caractères qu’aucun nom ni adresse ne contient.
person-email = Adresse électronique
person-state = État
person-voted = a voté
person-revoked = code révoqué
person-revoked-voted = code révoqué, a voté

## Running a poll
host-title = Régie
host-votes-at = On vote à l’adresse
host-screen = Le grand écran
host-results = Résultats
host-people = Qui participe
host-edit = Modifier
host-earlier = Tours précédents
round-shown = Montré à tous
round-hidden = Masqué aux autres
host-now = Déroulement
host-health-note = Vu de ce serveur.
act-open = Ouvrir le vote
act-continue = Reprendre le vote
act-pause = Suspendre le vote
act-close = Clore le vote
act-reopen = Annuler la clôture
act-reveal = Montrer les résultats à tous
act-reveal-round = Montrer à tous les résultats du tour { $number }
act-publish = Publier tous les bulletins
act-round = Commencer un nouveau tour
ask-close = Plus aucune voix ne comptera. La clôture peut être annulée tant que les résultats ne sont pas montrés à tous.
ask-close-after-vote = Plus aucune voix ne comptera, et tous verront les résultats. La clôture peut être annulée tant qu’elle n’est pas rendue définitive et qu’aucun nouveau tour n’a commencé.
ask-close-always = Plus aucune voix ne comptera. La clôture peut être annulée tant qu’elle n’est pas rendue définitive et qu’aucun nouveau tour n’a commencé.
ask-close-revealed = Plus aucune voix ne comptera. Les résultats ont été montrés à tous : c’est irréversible.
ask-close-shows = Plus aucune voix ne comptera, et tous verront les résultats. C’est irréversible.
ask-reveal = Tous verront les résultats, ici et à l’écran. C’est irréversible.
ask-reveal-round = Tous verront les résultats du tour { $number }, et d’aucun autre. C’est irréversible.
ask-publish = Chacun pourra alors obtenir tous les bulletins pour recompter. La clôture ne pourra plus être annulée.
ask-round = La même question est posée de nouveau sous le même code, à partir de zéro. Ce tour reste dans le registre.
yes-do = Oui : { $act }
health-joined = Appareils venus
health-joining = Nouveaux appareils par minute
health-per-second = Votes par seconde
health-repeated = Renvoyés, comptés une fois
health-turned-away = Seconds votes écartés
health-p50 = La moitié des réponses en
health-p99 = 99 réponses sur 100 en
health-watchers = Regardent en ce moment
health-checked = Registre et totaux
milliseconds = { $number } ms
host-checked = { $count ->
    [one] identiques, vérifiés il y a { $shown } seconde
   *[other] identiques, vérifiés il y a { $shown } secondes
  }
host-unchecked = vérification dans quelques secondes
host-more = Autres actions
host-retitle = Corriger le titre
host-retitle-hint = Le registre garde l’ancien titre et la raison du changement.
host-reason = Pourquoi
host-retitle-do = Corriger
host-clone = Faire une copie
host-clone-hint = La même question dans un nouveau scrutin, avec son propre code et sans aucune voix.
host-rehearse = Répéter
host-rehearse-hint = Une copie marquée partout comme répétition. Ses voix ne se mêlent jamais aux vraies.
host-remove = Supprimer ce scrutin
host-remove-hint = Toutes les voix disparaissent, et personne ne peut les rétablir. Tapez le titre pour montrer que c’est bien ce scrutin-ci.
host-remove-do = Supprimer pour toujours
host-title-differs = Ce n’est pas le titre de ce scrutin. Rien n’a été supprimé.
host-wrong-status = Quelqu’un a été plus rapide : voici où en est le scrutin.
host-revealed = Les résultats ont été montrés à tous ; la clôture ne peut plus être annulée.
host-reason-needed = Donnez un titre et une raison, de 1 à 200 caractères chacun.
host-refused = Cela n’a pas pu être fait. Voyez où en est le scrutin, puis réessayez.
rehearsal-note = Ceci est une répétition : aucune voix n’est réelle.
mine-title = Mes scrutins
mine-none = Vous n’avez pas encore de scrutin.
mine-search = Chercher
mine-search-label = Chercher par titre ou par code
mine-nothing = Rien ici ne contient ces mots.
mine-more = Plus anciens
