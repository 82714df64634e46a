"""`python -m monitor.cli`: the command line without its installed script."""

from monitor.cli import main

if __name__ == "__main__":
    main()
