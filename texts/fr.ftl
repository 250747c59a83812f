# Tous les textes des pages. Un test compare les fichiers entre eux : mêmes clés, mêmes variables, toutes utilisées.
# `$count` choisit la forme ; `$shown` est le nombre tel qu’on l’écrit.

skip = Aller au contenu
languages = Langues
yes = oui
try-again = Réessayer
moment-please = Un instant
not-yet = Cette page n’existe pas encore. Les résultats en direct sont à un geste d’ici.
live-results = Résultats en direct
problem-too-many = Vous allez un peu trop vite pour nous. Attendez quelques secondes, puis réessayez.
problem-full = Ce serveur n’a plus de place. Prévenez la personne qui s’en occupe.
problem-unavailable = Le serveur ne peut pas répondre pour le moment. Rien n’est perdu ; réessayez dans un instant.
moment = { $day } { $month } { $year } à { $clock } UTC
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
home-text = Il a six caractères et se trouve à côté du code QR.
unknown-title = Il n’y a rien ici
unknown-text = Vérifiez le code ou le lien qu’on vous a donné. Un code a six caractères et ne contient jamais 0, O, 1, I ni L.
code = Code
go = Continuer
api-link = Pour les développeurs : l’API

## The API
api-title = L’API de Hustings
api-text = Les erreurs sont en application/problem+json, avec un code stable, une phrase pour les personnes et un pointeur vers le champ. Le contrat entier, en un document :
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
reload-for-newer = Rechargez la page pour voir les résultats plus récents.
live = En direct
line-lost = La connexion est perdue ; voici les derniers résultats reçus. Nouvel essai…
voters = { $count ->
    [one] { $shown } votant
   *[other] { $shown } votants
  }
leads = Le plus de voix
tied = À égalité
mean = moyenne { $number }
unit-points = Points, et note moyenne.
unit-voters = Pourcentages des votants : chacun pouvait faire plusieurs choix.
unit-votes = Pourcentages des voix.
identified-device = Chaque appareil, ou votant nommé, a été compté une fois ; ce n’est pas « une personne, une voix ».

## Election night
night-status-counting = Dépouillement en cours
night-status-complete = Toutes les urnes sont définitives
night-status-certified = Certifié
night-status-draft = En préparation
night-status-rehearsal = Répétition
night-boxes-of = { $reported } urnes sur { $expected }
night-cast = { $count ->
    [one] { $shown } bulletin déposé
   *[other] { $shown } bulletins déposés
  }
night-blank = { $number } blancs
night-invalid = { $number } nuls
night-turnout = participation { $number }
night-as-of = état du { $moment }
night-rehearsal = Ceci est une répétition : aucune voix n’est réelle.
night-stale = Des procès-verbaux plus récents ont peut-être été comptés.
night-units = Par unité
night-unit = Unité
night-boxes = Urnes
night-ahead = En tête
night-by = Avance
one-level-up = Niveau supérieur
