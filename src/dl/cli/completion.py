"""`dl completion`: the script that makes the shell complete commands, options and runs."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: echo 'eval "$(dl completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(dl completion zsh)"' >> ~/.zshrc
    fish: dl completion fish > ~/.config/fish/completions/dl.fish
    """
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise click.ClickException(f"click knows no completion for {shell}")
    root = ctx.find_root().command
    click.echo(completer(root, {}, "dl", "_DL_COMPLETE").source())
