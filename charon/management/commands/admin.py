"""`manage.py admin`: makes an operator's account for the admin pages."""

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from charon.startup_messages import said, speaks_english

TRIES = 3
# Django's own `createsuperuser` reads the same two.
NAME, PASSWORD = "DJANGO_SUPERUSER_USERNAME", "DJANGO_SUPERUSER_PASSWORD"


class Command(BaseCommand):
    help = f"Make an operator's account. Asks at a terminal; scripts give --name (or {NAME}) and {PASSWORD}."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=os.environ.get(NAME, ""))
        parser.add_argument("--replace", action="store_true", help="give an account of this name the new password")

    def handle(self, *args: Any, name: str, replace: bool, **options: Any) -> None:
        call_command("prepare", verbosity=0)
        with translation.override("en" if speaks_english() else "pl"):
            try:
                name = name or ask(said("Name of the account: "))
                user = account(name, replace)
                password = fit(given, user) if (given := os.environ.get(PASSWORD)) else self.ask_until_fit(user)
                user.set_password(password)
            except EOFError:
                raise CommandError(said("Nothing was made.")) from None
            except UnicodeError:  # a terminal or a shell of another encoding, as ISO 8859-2
                raise CommandError(said("The name or the password is no text in UTF-8.")) from None
        user.save()
        self.stdout.write(said("The account {} can sign in at /admin/.", name))

    def ask_until_fit(self, user: Any) -> str:
        """The rules first, then the password; the last of TRIES ends it."""
        needs_terminal()
        for rule in password_validators_help_texts():
            self.stdout.write(f"- {rule}")
        for _ in range(TRIES - 1):
            try:
                return fit(ask_twice(), user)
            except CommandError as error:
                self.stderr.write(str(error))
        return fit(ask_twice(), user)


def account(name: str, replace: bool) -> Any:
    """A row that is not saved yet, or with `replace` the one there is, with every right."""
    model = get_user_model()
    known = model.objects.filter(username=name).first()
    if known and not replace:
        raise CommandError(
            said("There is an account {} already; another password: manage.py changepassword {}", name, name)
        )
    user = known or model(username=name)
    user.is_staff = user.is_superuser = user.is_active = True
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return user


def ask(question: str) -> str:
    needs_terminal()
    return input(question).strip()


def fit(password: str, user: Any) -> str:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password


def ask_twice() -> str:
    password = getpass.getpass(said("Password: "))
    if getpass.getpass(said("Password again: ")) != password:
        raise CommandError(said("The two passwords differ."))
    return password


def needs_terminal() -> None:
    # None where it is closed.
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError(said("There is no terminal to ask at; give {} and {}.", NAME, PASSWORD))
