"""What `dl course` says around the texts of exercises, by language; errors are in English."""

from __future__ import annotations

from collections.abc import Mapping

_ENGLISH = {
    "section": "Section",
    "done": "done",
    "checks": "checks",
    "asked": "Asked",
    "colon": ":",
    "of": "of",
    "solved": "Solved",
    "not_yet": "Not yet",
    "written": "Written to begin from",
    "there": "Your answer goes into",
    "then": "Then",
    "hint": "Hint",
    "no_more_hints": "There are no more hints.",
    "found": "found",
    "look": "The run, to look at",
    "next": "Next",
    "all_done": "All exercises are done.",
    "mark": "Mark",
    "late": "It came late",
    "not_graded": "It could not be graded",
    "line": "line",
    "more": "The mark counts more checks than these.",
}
_FRENCH = {
    "section": "Partie",
    "done": "faits",
    "checks": "vérifications",
    "asked": "Demandé",
    "colon": "\N{NO-BREAK SPACE}:",
    "of": "sur",
    "solved": "Réussi",
    "not_yet": "Pas encore",
    "written": "Fichier de départ créé",
    "there": "Votre réponse s'écrit dans",
    "then": "Ensuite",
    "hint": "Indice",
    "no_more_hints": "Il n'y a plus d'indice.",
    "found": "obtenu",
    "look": "Pour regarder l'entraînement",
    "next": "Suite",
    "all_done": "Tous les exercices sont faits.",
    "mark": "Note",
    "late": "Rendu en retard",
    "not_graded": "La réponse n'a pas pu être notée",
    "line": "ligne",
    "more": "La note tient compte d'autres vérifications.",
}
_SECTIONS = {
    "en": (
        "The perceptron",
        "Minimising a loss",
        "The logistic unit",
        "XOR: the limits of a line",
        "A network of layers",
        "Activations",
        "Losses",
        "Optimizers",
        "Parameters and hyperparameters",
        "The Keras workflow",
    ),
    "fr": (
        "Le perceptron",
        "Minimiser une fonction de perte",
        "L'unité logistique",
        "XOR : les limites d'une droite",
        "Un réseau de plusieurs couches",
        "Fonctions d'activation",
        "Fonctions de perte",
        "Optimiseurs",
        "Paramètres et hyperparamètres",
        "Les étapes d'un projet Keras",
    ),
}


def words(language: str) -> Mapping[str, str]:
    """Returns what is said, by key, in a language, or in English."""
    return _FRENCH if language == "fr" else _ENGLISH


def section_title(number: int, language: str) -> str:
    """Returns the title of a section of the course; empty where it has no such section."""
    titles = _SECTIONS.get(language, _SECTIONS["en"])
    return titles[number - 1] if number <= len(titles) else ""
