"""`dorn completion`: prints a script for the shell, which then runs `dorn` itself on Tab (names.py)."""

from dorn.cli.parser import Commands

SHELLS = {
    "bash": 'eval "$(dorn completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(dorn completion zsh)"   # in ~/.zshrc, after compinit',
    "fish": "dorn completion fish | source   # in ~/.config/fish/config.fish",
}


def add(commands: Commands) -> None:
    """Add the command of this file."""
    completion = commands.add(
        "completion",
        _completion,
        "print the script that makes a shell complete dorn's names with Tab",
        examples=SHELLS.values(),
    )
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def _completion(args) -> None:
    from argcomplete import shell_integration

    print(shell_integration.shellcode(["dorn"], shell=args.shell))
