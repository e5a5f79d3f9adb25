"""`python -m api.cli`: as the console command `graphrag`."""

from api.cli import main

main()
